package main

import (
	"bytes"
	"encoding/base32"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"
)

// damage is a fault of a line and the problems to report.
type damage struct {
	name  string
	cells map[string]string // replace the valid cells
	raw   string            // the whole line
	want  []string          // "column reason"; a column of "" is the line
}

var damageColumns = []string{"login", "email", "secondEmail", "firstName", "lastName", "locale", "groups", "otpauth", "profile.badge", "profile.x"}

// damagedCell returns damage of one cell.
func damagedCell(kind, column, cell, reason string) damage {
	return damage{name: kind + " in " + column, cells: map[string]string{column: cell}, want: []string{column + " " + reason}}
}

// otpauthOf returns a URI with a unique secret of n bytes.
func otpauthOf(n int, seed byte, more string) string {
	secret := bytes.Repeat([]byte{seed, 7}, n)[:n]
	return "otpauth://totp/Okta:x?secret=" + strings.TrimRight(base32.StdEncoding.EncodeToString(secret), "=") + more
}

// badAddresses are invalid as a login and as an email address.
var badAddresses = map[string]string{
	"a blank": "a b@garage.example", "a Kelvin sign": "\u212Aim@garage.example", "a dotless i": "k\u0131m@garage.example",
	"a long s": "\u017Fam@garage.example", "a full-width at": "a\uFF20garage.example", "a filler": "a\u3164b@garage.example",
	"a Cyrillic a": "\u0430nne@garage.example", "an accent": "zoé@garage.example", "a no-break blank": "a\u00a0@garage.example",
	"a quoted local part": `"a b"@garage.example`, "a comma": "a,b@garage.example", "a semicolon": "a;b@garage.example",
	"angle brackets": "<a@garage.example>", "a backslash": `a\b@garage.example`, "brackets": "a@[192.0.2.1]", "a colon": "a:b@garage.example",
	"a comment": "a(b)@garage.example", "a line break": "a@garage.example\nb@garage.example", "a tab": "a\t@garage.example",
	"255 characters": strings.Repeat("a", 60) + "@" + strings.Repeat("b", 60) + "." + strings.Repeat("c", 60) + "." + strings.Repeat("d", 60) + ".e1234567890",
}

// badMail is invalid only as an email address.
var badMail = map[string]string{
	"no at": "garage", "two ats": "a@b@garage.example", "no local part": "@garage.example", "no domain": "a@",
	"a dot at the beginning": ".a@garage.example", "a dot at the end": "a.@garage.example", "two dots": "a..b@garage.example",
	"a local part of 65": strings.Repeat("a", 65) + "@garage.example", "an empty label": "a@garage..example",
	"a dot at the very end": "a@garage.example.", "a hyphen before a label": "a@-garage.example", "a hyphen behind a label": "a@garage-.example",
	"an underscore in the domain": "a@ga_rage.example", "a label of 64": "a@" + strings.Repeat("b", 64) + ".example", "an apostrophe in the domain": "a@gar'age.example",
}

var badKeys = map[string][2]string{ // the URI and the reason
	"no URI": {"JBSWY3DPEHPK3PXP", "no_otpauth"}, "another scheme": {"https://totp/x?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", "no_otpauth"},
	"another type":                           {"otpauth://steam/x?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", "unsupported"},
	"a migration":                            {"otpauth-migration://offline?data=AAAA", "no_otpauth"},
	"a broken escape":                        {"otpauth://totp/x?secret=%ZZ", "no_otpauth"},
	"hotp":                                   {"otpauth://hotp/x?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", "counter"},
	"SHA-256":                                {otpauthOf(20, 1, "&algorithm=SHA256"), "algorithm"},
	"SHA-512":                                {otpauthOf(20, 2, "&algorithm=sha512"), "algorithm"},
	"MD5":                                    {otpauthOf(20, 3, "&algorithm=MD5"), "algorithm"},
	"8 digits":                               {otpauthOf(20, 4, "&digits=8"), "digits"},
	"7 digits":                               {otpauthOf(20, 5, "&digits=7"), "digits"},
	"digits in words":                        {otpauthOf(20, 6, "&digits=six"), "digits"},
	"60 seconds":                             {otpauthOf(20, 8, "&period=60"), "period"},
	"15 seconds":                             {otpauthOf(20, 9, "&period=15"), "period"},
	"no secret":                              {"otpauth://totp/x?issuer=y", "no_secret"},
	"an empty secret":                        {"otpauth://totp/x?secret=", "no_secret"},
	"only padding":                           {"otpauth://totp/x?secret=%3D%3D", "no_secret"},
	"hex":                                    {"otpauth://totp/x?secret=48656c6c6f21deadbeef48656c6c6f21deadbeef", "base32"},
	"base64":                                 {"otpauth://totp/x?secret=SGVsbG8h3q2%2B70hlbGxvId6tvu8hello", "base32"},
	"padding inside":                         {"otpauth://totp/x?secret=JBSWY3DP%3D%3DEHPK3PXPJBSWY3DPEHPK3PXP", "base32"},
	"0 and 1":                                {"otpauth://totp/x?secret=01010101010101010101010101010101", "base32"},
	"15 bytes":                               {otpauthOf(15, 10, ""), "short"},
	"10 bytes":                               {otpauthOf(10, 11, ""), "short"},
	"65 bytes":                               {otpauthOf(65, 12, ""), "long"},
	"zeros":                                  {"otpauth://totp/x?secret=" + strings.Repeat("A", 32), "weak"},
	"two secrets":                            {otpauthOf(20, 13, "&secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"), "twice"},
	"two periods":                            {otpauthOf(20, 14, "&period=30&Period=60"), "twice"},
	"another user's key":                     {otpauthOf(20, 200, ""), "taken"},
	"another user's key in another spelling": {strings.ToLower(otpauthOf(20, 201, "&digits=6")), "taken"},
}

// damages returns all damages in random order; the unclosed quotation mark is the last.
func damages() []damage {
	var all []damage
	for _, column := range []string{"login", "email", "secondEmail"} {
		for kind, cell := range badAddresses {
			all = append(all, damagedCell(kind, column, cell, "address"))
		}
	}
	for _, column := range []string{"email", "secondEmail"} {
		for kind, cell := range badMail {
			all = append(all, damagedCell(kind, column, cell, "address"))
		}
		all = append(all, damagedCell("another user's login", column, "Anne@Garage.example", "taken"), damagedCell("another user's second address", column, "anne@home.example", "taken"))
	}
	all = append(all, damagedCell("another user's second address", "login", "ANNE@home.example", "taken"))
	for _, column := range []string{"firstName", "lastName"} {
		all = append(all, damagedCell("65 characters", column, strings.Repeat("é", 65), "too_long"), damagedCell("a line break", column, "a\nb", "control"), damagedCell("a tab", column, "a\tb", "control"),
			damagedCell("a right-to-left override", column, "\u202eb", "control"), damagedCell("a zero-width blank", column, "\u200b", "invisible"))
	}
	for kind, cell := range map[string]string{"a name that is not": "Garage du Sud", "an id that is not": "gaaaaaaaaaaaaaaaaaaaaaaaaaa", "another accent": "Garage dù Port",
		"one of two": "Garage du Port|Garage du Sud"} {
		all = append(all, damagedCell(kind, "groups", cell, "unknown"))
	}
	var many []string
	for i := range 21 {
		many = append(many, fmt.Sprintf("G%d", i))
	}
	all = append(all, damagedCell("21 groups", "groups", strings.Join(many, "|"), "too_many"))
	for kind, key := range badKeys {
		all = append(all, damagedCell(kind, "otpauth", key[0], key[1]))
	}
	for kind, cell := range map[string]string{"nothing": "json:", "a word": "json:yes", "two values": "json:1 2", "an open list": "json:[1"} {
		all = append(all, damagedCell(kind, "profile.badge", cell, "json"))
	}
	all = append(all, damage{name: "a profile that is too long", cells: map[string]string{"profile.badge": strings.Repeat("b", 9<<10), "profile.x": strings.Repeat("x", 9<<10)},
		want: []string{"profile too_long"}})
	for _, column := range damageColumns {
		for kind, cell := range map[string]string{"Latin-1": "Zo\xe9", "half a character": "a\xc3", "a surrogate": "\xed\xa0\x80"} {
			all = append(all, damagedCell(kind, column, cell, "utf8"))
		}
		for kind, cell := range map[string]string{"a NUL": "a\x00b", "a lone CR": "a\rb", "an escape": "a\x1b[2J", "a C1 control": "a\u009bb", "a DEL": "a\x7f"} {
			all = append(all, damagedCell(kind, column, cell, "control"))
		}
		all = append(all, damagedCell("a cell without end", column, strings.Repeat("x", 16<<10)+"y", "too_long"))
	}
	all = append(all,
		damage{name: "too few cells", raw: "few@garage.example,few@garage.example", want: []string{" fields"}},
		damage{name: "too many cells", raw: "many@garage.example" + strings.Repeat(",", len(damageColumns)) + "x", want: []string{"column K fields_more"}},
		damage{name: "the other separator", raw: "semi@garage.example;semi@garage.example;;;;;;;;", want: []string{" fields"}},
		damage{name: "a quotation mark inside", raw: `quo"te@garage.example,,,,,,,,,`, want: []string{" quote"}},
		damage{name: "a quotation mark too early", raw: `"quote"x@garage.example,,,,,,,,,`, want: []string{" quote"}},
		damage{name: "neither login nor email", cells: map[string]string{"login": "", "email": ""}, want: []string{"login address", "email address"}},
		damagedCell("an earlier login", "login", "line2@garage.example", "duplicate"), damagedCell("an earlier login in another case", "login", " LINE2@Garage.Example ", "duplicate"),
		damagedCell("an earlier login", "email", "line2@garage.example", "duplicate"), damagedCell("an earlier address", "secondEmail", "Mail2@garage.example", "duplicate"),
		damagedCell("an earlier key", "otpauth", otpauthOf(20, 100, "&issuer=other"), "duplicate"),
		damage{name: "three at once", cells: map[string]string{"login": "a b", "firstName": strings.Repeat("x", 65), "groups": "Garage du Sud"},
			want: []string{"login address", "firstName too_long", "groups unknown"}},
		damage{name: "a quotation mark that is never closed", raw: `open@garage.example,"`, want: []string{" quote"}})
	return all
}

// quoted returns a cell as in RFC 4180.
func quoted(cell string) string {
	if strings.ContainsAny(cell, "\",\n\r") {
		return `"` + strings.ReplaceAll(cell, `"`, `""`) + `"`
	}
	return cell
}

// runOffline runs the program in offline mode.
func runOffline(t *testing.T, data string, args ...string) (stdout string, err error) {
	t.Helper()
	var out, said bytes.Buffer
	err = run(t.Context(), append(args, "--data", data), strings.NewReader(""), &out, &said)
	return out.String(), err
}

func must(t *testing.T, data string, args ...string) string {
	t.Helper()
	out, err := runOffline(t, data, args...)
	if err != nil {
		t.Fatalf("%q: %v", args, err)
	}
	return out
}

// problemsOf makes a dry run and returns "line column reason" of each problem.
func problemsOf(t *testing.T, data, text string, args ...string) (problems []string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "users.csv")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := runOffline(t, data, append([]string{"import", file, "--json"}, args...)...)
	if err == nil || !strings.Contains(err.Error(), "nothing was written") {
		t.Errorf("got %v, want the file rejected", err)
	}
	var got struct {
		Applied  bool
		Problems []struct {
			Line                    int
			Column, Reason, Message string
		}
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil || got.Applied {
		t.Fatalf("%v: %s", err, out)
	}
	for _, p := range got.Problems {
		problems = append(problems, fmt.Sprintf("%d %s %s", p.Line, p.Column, p.Reason))
		if p.Message == "" || p.Message == p.Reason {
			t.Errorf("no message for %s of %s", p.Reason, p.Column)
		}
	}
	slices.Sort(problems)
	return problems
}

func TestImport_ReportsEachDamageAndWritesNothing(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	must(t, data, "user", "add", "anne@garage.example")
	must(t, data, "user", "update", "anne@garage.example", "--second-email", "anne@home.example")
	for _, name := range []string{"Garage du Port"} {
		must(t, data, "group", "add", name)
	}
	for i := range 21 {
		must(t, data, "group", "add", fmt.Sprintf("G%d", i))
	}
	keys := filepath.Join(t.TempDir(), "keys.csv")
	text := "login,otpauth\nk1@garage.example," + otpauthOf(20, 200, "") + "\nk2@garage.example," + otpauthOf(20, 201, "") + "\n"
	if err := os.WriteFile(keys, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	must(t, data, "import", keys, "--apply")
	before := must(t, data, "user", "list", "--json") + must(t, data, "audit", "list", "--json")

	var list strings.Builder
	list.WriteString(strings.Join(damageColumns, ",") + "\nline2@garage.example,mail2@garage.example,,,,,Garage du Port,\"" + otpauthOf(20, 100, "") + "\",,\n")
	var want []string
	line := 3
	for i, d := range damages() {
		for _, says := range d.want {
			want = append(want, fmt.Sprintf("%d %s", line, says))
		}
		row := d.raw
		if row == "" {
			sound := map[string]string{"login": fmt.Sprintf("p%d@garage.example", i), "email": fmt.Sprintf("m%d@garage.example", i), "firstName": "Zoé", "locale": "fr",
				"groups": "Garage du Port", "profile.badge": "=K"}
			cells := make([]string, len(damageColumns))
			for n, column := range damageColumns {
				cell, damaged := d.cells[column]
				if !damaged {
					cell = sound[column]
				}
				cells[n] = quoted(cell)
			}
			row = strings.Join(cells, ",")
		}
		list.WriteString(row + "\n")
		line += 1 + strings.Count(row, "\n")
	}
	slices.Sort(want)
	for _, args := range [][]string{nil, {"--apply"}} {
		got := problemsOf(t, data, list.String(), args...)
		for _, fault := range want {
			if !slices.Contains(got, fault) {
				t.Errorf("%v: missing problem %s", args, fault)
			}
		}
		for _, fault := range got {
			if !slices.Contains(want, fault) {
				t.Errorf("%v: unexpected problem %s", args, fault)
			}
		}
	}
	whole := wholeFiles()
	for name, c := range whole {
		if got := strings.Join(problemsOf(t, data, c[0], "--apply"), ", "); got != c[1] {
			t.Errorf("%s: got %q, want %q", name, got, c[1])
		}
	}
	if kinds := len(damages()) + len(whole); kinds < 200 {
		t.Errorf("got %d kinds of damage, want 200", kinds)
	}
	if after := must(t, data, "user", "list", "--json") + must(t, data, "audit", "list", "--json"); after != before {
		t.Error("the import wrote to the store")
	}
}

// wholeFiles returns invalid files and their problems.
func wholeFiles() map[string][2]string {
	wide := func(order func(u uint16) []byte, mark string) string {
		out := []byte(mark)
		for _, u := range utf16.Encode([]rune("login,email\na@b.example,\n")) {
			out = append(out, order(u)...)
		}
		return string(out)
	}
	little := func(u uint16) []byte { return []byte{byte(u), byte(u >> 8)} }
	big := func(u uint16) []byte { return []byte{byte(u >> 8), byte(u)} }
	return map[string][2]string{
		"nothing":                   {"", "1  empty"},
		"a mark and nothing":        {"\xef\xbb\xbf\r\n", "1  empty"},
		"UTF-16 of Windows":         {wide(little, "\xff\xfe"), "1  utf16"},
		"UTF-16, the other way":     {wide(big, "\xfe\xff"), "1  utf16"},
		"UTF-16 without a mark":     {wide(little, ""), "1  utf16"},
		"lines of an old Macintosh": {"login,email\ra@b.example,\r", "1  lone_cr"},
		"a header alone":            {"login,email\n", "1  no_users"},
		"no header":                 {"a@b.example,Zoe\n", "1  no_login, 1 Zoe column_unknown, 1 a@b.example column_unknown"},
		"a column that is not":      {"login,password\na@b.example,x\n", "1 password column_unknown"},
		"a column twice":            {"login,LOGIN\na@b.example,x\n", "1 login column_twice"},
		"a column without a name":   {"login,,email\na@b.example,,\n", "1 column B column_empty"},
		"an unknown separator":      {"sep=|\nlogin|email\na@b.example|\n", "1  separator"},
		"a cell beyond the header":  {"sep=;\nlogin;;\na@b.example;x;\n", "3 column B fields_more"},
		"no login":                  {"firstName,lastName\na,b\n", "1  no_login"},
		"a name of ours below":      {"login,profile.email\na@b.example,x\n", "1 profile.email column_unknown"},
		"a profile without a name":  {"login,profile.\na@b.example,x\n", "1 profile. column_unknown"},
		"a Latin-1 header":          {"login,profile.pr\xe9nom\na@b.example,x\n", "1 profile.pr?nom utf8"},
		"a broken header":           {"login,\"em\"ail\na@b.example,\n", "1  quote"},
		"a cell of a mebibyte":      {"login,firstName\na@b.example," + strings.Repeat("x", 1<<20) + "\nc@d.example,\n", "2 firstName too_long"},
		"a second header inside":    {"login,groups\na@b.example,\nlogin,groups\n", "3 groups unknown, 3 login address"},
	}
}
