package store_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"barillet/store"
	"barillet/store/storetest"
)

func TestTables_DeclareTheirCeilingAndSweep(t *testing.T) {
	for _, k := range store.TableDefs() {
		c := k.Ceiling
		if c.Records < 0 || c.Clients < 0 || c.Fixed < 0 || c.Records+c.Clients+c.Fixed == 0 || (c.Records > 0) != (c.Per != "") {
			t.Errorf("%s: the ceiling %+v is incomplete", k.Prefix, c)
		}
		if k.Sweep == "" {
			t.Errorf("%s has no sweep", k.Prefix)
		}
		if k.Lives == "unlimited" && k.Sweep != store.ByAdministrator && k.Sweep != store.ByReplacement {
			t.Errorf("%s is kept without limit and %s", k.Prefix, k.Sweep)
		}
	}
	of := store.Ceiling{Records: 3, Per: store.PerUser, Clients: 7, Fixed: 10}.Of(map[store.Scope]int{store.PerUser: 4, store.PerGroup: 5, store.PerClient: 2})
	if of != 36 {
		t.Errorf("3 for each of 4 users, 7 for each of 2 clients, and 10: got %d, want 36", of)
	}
}

// tableRow is a row of the tables in docs/design.md: the keys, the record, and the lifetime of each key.
var tableRow = regexp.MustCompile("(?m)^\\| (`[a-z]+/.*?`) \\| .* \\| (.*) \\|$")

func TestTables_LiveAsTheDesignSays(t *testing.T) {
	text, err := os.ReadFile("../docs/design.md")
	if err != nil {
		t.Fatal(err)
	}
	lives := map[string]string{}
	for _, row := range tableRow.FindAllStringSubmatch(string(text), -1) {
		keys, all := strings.Split(row[1], ", "), strings.Split(row[2], "; ")
		for i, key := range keys {
			prefix, _, _ := strings.Cut(strings.Trim(key, "`"), "/")
			lives[prefix+"/"] = row[2]
			if len(keys) > 1 && len(keys) == len(all) {
				lives[prefix+"/"] = all[i]
			}
		}
	}
	for _, k := range store.TableDefs() {
		if lives[k.Prefix] != k.Lives {
			t.Errorf("%s lives %q, docs/design.md says %q", k.Prefix, k.Lives, lives[k.Prefix])
		}
		delete(lives, k.Prefix)
	}
	if len(lives) > 0 {
		t.Errorf("docs/design.md has tables that no TableDef declares: %v", lives)
	}
}

func TestCount_CountsTheRecordsOfEachTable(t *testing.T) {
	s := open(t)
	for _, key := range []string{"user/1", "user/2", "name/a/1"} {
		if err := s.Update(background, func(tx store.Tx) error { return tx.Put(key, []byte("x")) }); err != nil {
			t.Fatal(err)
		}
	}
	got, err := storetest.Count(background, s)
	if err != nil || len(got) != 2 || got["user/"] != 2 || got["name/"] != 1 {
		t.Errorf("got %v, %v", got, err)
	}
}
