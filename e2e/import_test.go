package e2e_test

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// torture reports whether tests run in full instead of on a sample.
func torture() bool { return os.Getenv("BARILLET_TORTURE") != "" }

// crowdOf writes a list of n people, who are called import0@garage.example and so on.
func crowdOf(t *testing.T, n int) string {
	t.Helper()
	var list strings.Builder
	list.WriteString("login;firstName;lastName;profile.badge\n")
	for i := range n {
		fmt.Fprintf(&list, "import%d@garage.example;Prénom;Nom %d;=%d\n", i, i, i)
	}
	file := filepath.Join(t.TempDir(), "people.csv")
	if err := os.WriteFile(file, []byte(list.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// cutShort starts an import and kills it when it has reported progress a number of times, each a tenth of its users. It
// reports whether the import was still running.
func cutShort(t *testing.T, h *Env, file string, reports int) (cut bool) {
	t.Helper()
	command := exec.Command(h.executable, "import", "--data", h.Data, file, "--apply", "--invite")
	command.Env = h.env
	stderr, err := command.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	killed := false
	for lines := bufio.NewScanner(stderr); lines.Scan(); {
		said.WriteString(lines.Text() + "\n")
		if strings.HasPrefix(lines.Text(), "created ") {
			reports--
		}
		if reports == 0 && !killed {
			killed = true
			if err := command.Process.Kill(); err != nil {
				t.Log("it ended at that moment:", err)
			}
		}
	}
	err = command.Wait()
	if err != nil && !killed {
		t.Fatalf("the import failed: %v\n%s", err, &said)
	}
	return err != nil
}

// TestImport_ResumesAfterKillWithoutSecondInvitation kills the import, and the service too, after a part of its users that
// chance gives, until everybody is there: each once, each invited once. It takes a sample of a thousand people, and ten
// thousand with BARILLET_TORTURE.
func TestImport_ResumesAfterKillWithoutSecondInvitation(t *testing.T) {
	h := Open(t, EnvOptions{})
	people := 1000
	if torture() {
		people = 10000
	}
	file := crowdOf(t, people)
	cuts := 0
	for round := range 3 {
		if cutShort(t, h, file, 1+rand.IntN(3)) {
			cuts++
		}
		if round == 1 { // the service goes with it
			h.Kill()
			h.Restart()
		}
	}
	if cuts == 0 {
		t.Error("no import was cut short: nothing is proven")
	}
	last := h.Run("import", file, "--apply", "--invite")
	last.OK(t)
	again := h.Run("import", file, "--apply", "--invite")
	again.OK(t)
	if !strings.Contains(again.Stderr, "0 users created, 0 invited") || !strings.Contains(again.Stderr, fmt.Sprintf("%d users: 0 new, 0 invalid", people)) {
		t.Errorf("got %s, want everybody there", again.Stderr)
	}
	listed := strings.Split(h.Run("user", "list", "--q", "import").OK(t), "\n")
	seen := map[string]bool{}
	for _, line := range listed {
		if cells := strings.Fields(line); len(cells) > 2 && cells[1] == "PROVISIONED" {
			seen[cells[2]] = true
		}
	}
	if len(listed) != people || len(seen) != people {
		t.Errorf("got %d people, %d of them different and invited, want %d", len(listed), len(seen), people)
	}
	issued := strings.Split(h.Run("audit", "list", "--type", "barillet.invitation.issued").OK(t), "\n")
	if len(issued) != people {
		t.Errorf("got %d invitations in the log, want %d", len(issued), people)
	}
	t.Logf("%d of 3 imports were cut short; the last one made the rest: %s", cuts, last.Stderr[strings.LastIndex(strings.TrimSpace(last.Stderr), "\n")+1:])
	invitedOnce(t, h, people)
}

// invitedOnce moves the clock past the pace of bulk emails and waits for them. An email whose delivery was interrupted may
// arrive twice, with the same Message-ID. No user receives another one.
func invitedOnce(t *testing.T, h *Env, people int) {
	t.Helper()
	h.Clock.Advance(time.Duration(people) * time.Second)
	messages := map[string]map[string]bool{}
	for deadline := time.Now().Add(time.Duration(people)*50*time.Millisecond + patience); len(messages) < people && time.Now().Before(deadline); {
		<-time.After(100 * time.Millisecond)
		for _, mail := range h.Mail.All() {
			to := strings.Join(mail.To, " ")
			if messages[to] == nil {
				messages[to] = map[string]bool{}
			}
			messages[to][mail.Header.Get("Message-ID")] = true
		}
	}
	if len(messages) != people {
		t.Errorf("got mails to %d people, want %d", len(messages), people)
	}
	for to, ids := range messages {
		if len(ids) != 1 {
			t.Errorf("%s got %d invitations", to, len(ids))
		}
	}
}
