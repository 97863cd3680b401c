package manual_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"barillet/cmd/barillet/manual"
)

func TestCommand_WritesAPageForEachCommandAndTheSettings(t *testing.T) {
	root := &cobra.Command{Use: "barillet", Short: "run it"}
	group := &cobra.Command{Use: "user", Short: "users"}
	add := &cobra.Command{Use: "add LOGIN", Short: "add a user", Long: "First line.\n.hidden request\n\n'quoted' and back\\slash.", Run: func(*cobra.Command, []string) {}}
	add.Flags().String("name", "", "name of the user")
	group.AddCommand(add)
	root.AddCommand(group, manual.Command("v1.2.3"))
	dir := t.TempDir()
	root.SetArgs([]string{"manual", dir})
	if err := root.Execute(); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][]string{
		"barillet.1":          {"run it", `barillet\-user (1)`},
		"barillet-user.1":     {`barillet\-user\-add (1)`},
		"barillet-user-add.1": {`\-\-name`, "\n\\&.hidden request\n.sp\n\\&'quoted' and back\\eslash."},
		"barillet.toml.5":     {"smtp.host", "public_url", "Default: 19456.", "From 8192 to 262144."},
	} {
		page, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range want {
			if !strings.Contains(string(page), text) {
				t.Errorf("%s lacks %q:\n%s", name, text, page)
			}
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "barillet-manual.1")); err == nil {
		t.Error("a hidden command has a page")
	}
}

// The whole program's pages are formatted without a warning by the tool that readers use.
func TestCommand_PagesOfTheProgramFormatWithoutAWarning(t *testing.T) {
	dir := t.TempDir()
	if out, err := exec.Command("go", "run", "barillet/cmd/barillet", "manual", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	pages, err := filepath.Glob(filepath.Join(dir, "*.[15]"))
	if err != nil || len(pages) < 50 {
		t.Fatalf("%d pages, error %v", len(pages), err)
	}
	out, err := exec.Command("groff", append([]string{"-man", "-Tutf8", "-ww", "-z"}, pages...)...).CombinedOutput()
	if err != nil || len(out) > 0 {
		t.Errorf("groff: %v\n%s", err, out)
	}
}
