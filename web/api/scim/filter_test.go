package scim

import (
	"strings"
	"testing"
)

func TestParse_MatchesAsWritten(t *testing.T) {
	person := map[string][]string{"status": {"ACTIVE"}, "profile.login": {"zoe@garage.example"}, "profile.note": {`a "quoted" \ text`}, "profile.tags": {"x", "Atelier"}}
	for text, want := range map[string]bool{
		``:                                       true,
		`   `:                                    true,
		`status eq "ACTIVE"`:                     true,
		`status EQ "active"`:                     true,
		`  status   eq   "ACTIVE"  `:             true,
		`status eq "STAGED"`:                     false,
		`profile.login sw "ZOE@"`:                true,
		`profile.login sw "oe@"`:                 false,
		`profile.login eq "zoe"`:                 false,
		`profile.tags eq "atelier"`:              true,
		`profile.none sw ""`:                     false,
		`profile.note eq "a \"quoted\" \\ text"`: true,
		`status eq "ACTIVE" and profile.login sw "z"`: true,
		`status eq "ACTIVE" and profile.login sw "y"`: false,
		`status eq "STAGED" or profile.login sw "z"`:  true,
		`status eq "STAGED" or profile.login sw "y"`:  false,
		`status eq "and"`: false,
	} {
		e, err := Parse(text)
		if err != nil {
			t.Errorf("%s: got %v", text, err)
		}
		if got := e.Matches(func(name string) []string { return person[name] }); got != want {
			t.Errorf("%s: got %v, want %v", text, got, want)
		}
	}
}

func TestParse_RejectsInvalidFilters(t *testing.T) {
	for _, text := range []string{`status`, `status eq`, `status eq ACTIVE`, `status eq "ACTIVE`, `status eq 'ACTIVE'`, `eq "x"`, `status ne "x"`, `status pr`,
		`status eq "a" and`, `and status eq "a"`, `status eq "a" xor id eq "b"`, `status eq "a"and id eq "b"`, `status eq "a" and id eq "b" or id eq "c"`,
		`(status eq "a")`, `status eq "\n"`, `status eq "a" id eq "b"`, strings.Repeat(`id eq "a" or `, 20) + `id eq "b"`, `id eq "` + strings.Repeat("x", 3000) + `"`} {
		if e, err := Parse(text); err == nil || len(e.Conditions) != 0 {
			t.Errorf("%.60s: got %v, want it refused", text, e)
		}
	}
}

// FuzzParse holds that what is read reads the same when it is written again, and that a refusal gives nothing.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{`status eq "ACTIVE"`, `profile.login sw "zoe@" and status eq "A"`, `eventType eq "a" or eventType eq "b"`, `x eq "\"\\"`, `a.b-c_d EQ ""`, ``} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		e, err := Parse(text)
		if err != nil {
			if len(e.Conditions) != 0 {
				t.Error("a refused expression gave conditions")
			}
			return
		}
		var parts []string
		for _, c := range e.Conditions {
			quoted := strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(c.Value)
			parts = append(parts, c.Attribute+" "+c.Operator+` "`+quoted+`"`)
		}
		joiner := " and "
		if e.Any {
			joiner = " or "
		}
		again, err := Parse(strings.Join(parts, joiner))
		if err != nil || len(again.Conditions) != len(e.Conditions) {
			t.Fatalf("got %v, %v from %q", again, err, strings.Join(parts, joiner))
		}
		for i, c := range again.Conditions {
			if c != e.Conditions[i] {
				t.Errorf("got %v, want %v", c, e.Conditions[i])
			}
		}
		e.Matches(func(string) []string { return []string{text} })
	})
}
