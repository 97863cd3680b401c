package usercsv_test

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"

	"barillet/internal/input"
	"barillet/internal/usercsv"
)

func read(t testing.TB, text string) *usercsv.File {
	t.Helper()
	l, err := usercsv.Read(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestRead_AcceptsAllFormats(t *testing.T) {
	for name, text := range map[string]string{
		"commas":                        "login,firstName,profile.badge\na@b.example,Zoé,\"K;1, \"\"x\"\"\"\n",
		"semicolons":                    "login;firstName;profile.badge\na@b.example;Zoé;\"K;1, \"\"x\"\"\"\n",
		"a byte order mark, CRLF":       "\xef\xbb\xbflogin;firstName;profile.badge\r\na@b.example;Zoé;\"K;1, \"\"x\"\"\"\r\n",
		"no end of line at the end":     "login,firstName,profile.badge\na@b.example,Zoé,\"K;1, \"\"x\"\"\"",
		"everything quoted":             "\"login\",\"firstName\",\"profile.badge\"\n\"a@b.example\",\"Zoé\",\"K;1, \"\"x\"\"\"\n",
		"capitals and blanks":           " Login ,FIRSTNAME,profile.badge\na@b.example,Zoé,\"K;1, \"\"x\"\"\"\n",
		"tabs":                          "login\tfirstName\tprofile.badge\na@b.example\tZoé\t\"K;1, \"\"x\"\"\"\n",
		"sep=; of Excel":                "sep=;\r\nlogin;firstName;profile.badge\r\na@b.example;Zoé;\"K;1, \"\"x\"\"\"\r\n",
		"sep=; after a byte order mark": "\xef\xbb\xbfsep=;\r\nlogin;firstName;profile.badge\r\na@b.example;Zoé;\"K;1, \"\"x\"\"\"\r\n",
		"SEP=, in quotes with cells":    "\"sep=,\",,\nlogin,firstName,profile.badge\na@b.example,Zoé,\"K;1, \"\"x\"\"\"\n",
		"sep= and a tab":                "sep=\t\nlogin\tfirstName\tprofile.badge\na@b.example\tZoé\t\"K;1, \"\"x\"\"\"\n",
		"empty columns at the end":      "login;firstName;profile.badge;;;\na@b.example;Zoé;\"K;1, \"\"x\"\"\";;;\n;;;;;\n",
		"empty columns of the rows":     "login,firstName,profile.badge\na@b.example,Zoé,\"K;1, \"\"x\"\"\",,\u00a0\n",
		"rows of blanks at the end":     "login,firstName,profile.badge\na@b.example,Zoé,\"K;1, \"\"x\"\"\"\n ,\u00a0,\n,,,,\n",
		"rows of separators first":      ";;\n;;\nlogin;firstName;profile.badge\na@b.example;Zoé;\"K;1, \"\"x\"\"\"\n",
		"no-break spaces in the header": "\ufefflogin\u00a0,\u202ffirstName,\u200bprofile.badge\na@b.example,Zoé,\"K;1, \"\"x\"\"\"\n",
		"empty lines, lines of ';;'":    "login;firstName;profile.badge\n\n;;\na@b.example;Zoé;\"K;1, \"\"x\"\"\"\n;;\n\n",
	} {
		l := read(t, text)
		want := map[string]string{"login": "a@b.example", "firstName": "Zoé", "profile.badge": `K;1, "x"`}
		if len(l.Problems) > 0 || !l.HeaderValid || len(l.Rows) != 1 || !maps.Equal(l.Rows[0].Cells, want) {
			t.Errorf("%s: got %+v", name, l)
		}
	}
}

func TestRow_LineOfIsTheLineOfTheCell(t *testing.T) {
	l := read(t, "login,profile.note,firstName\na@b.example,\"two\nlines\",x\nc@d.example,,y\n")
	if len(l.Rows) != 2 || l.Rows[0].LineOf("firstName") != 3 || l.Rows[0].LineOf("login") != 2 || l.Rows[1].Line != 4 || l.Rows[1].LineOf("locale") != 4 {
		t.Errorf("got %+v", l)
	}
}

// unnamed returns the problems of columns without a name.
func unnamed(from, to rune) (out string) {
	for ; from <= to; from++ {
		out += "1:column " + string(from) + ": column_empty "
	}
	return out
}

func TestWrite_DropsCharactersThatReorderTheRow(t *testing.T) {
	var out bytes.Buffer
	if err := usercsv.Write(&out, usercsv.Style{}, []string{"login", "firstName"}, [][]string{{"a@b.example", "\u202e=eéZ\u2066"}}); err != nil {
		t.Fatal(err)
	}
	if got := read(t, out.String()).Rows[0].Cells["firstName"]; got != "=eéZ" || !strings.Contains(out.String(), "'=") {
		t.Errorf("got %q in %q", got, out.String())
	}
}

func TestRead_ReportsLineAndColumnOfEachProblem(t *testing.T) {
	for text, want := range map[string]string{
		"":                                 "1:: empty",
		" \r\n\n":                          "1:: empty",
		"\xef\xbb\xbf":                     "1:: empty",
		"\xff\xfel\x00o\x00":               "1:: utf16",
		"\xfe\xff\x00l":                    "1:: utf16",
		"l\x00o\x00g\x00i\x00n\x00\n":      "1:: utf16",
		"login\ra@b.example\r":             "1:: lone_cr",
		"login\n":                          "1:: no_users",
		"login;email\n\n;\n":               "1:: no_users",
		"a@b.example\nc@d.example\n":       "1:a@b.example: column_unknown 1:: no_login",
		"login,,email\na,b,c\n":            "1:column B: column_empty",
		"login,Login\na,b\n":               "1:login: column_twice",
		"login,pass\na,b\n":                "1:pass: column_unknown",
		"login,Role\na,b\n":                "1:Role: column_role",
		"login,profile.\na,b\n":            "1:profile.: column_unknown",
		"login,profile.email\na,b\n":       "1:profile.email: column_unknown",
		"login,pr\xe9nom\na,b\n":           "1:pr?nom: utf8",
		"firstName\nx\n":                   "1:: no_login",
		"login,email\na\nb,c,d\ne,f\n":     "2:: fields 3:column C: fields_more",
		"login,email,\na,b,c\n":            "2:column C: fields_more",
		"sep=;\nlogin;pass\na;b\n":         "2:pass: column_unknown",
		"sep=;\nlogin;firstName\na;b;;c\n": "3:column C: fields_more",
		"sep=|\nlogin|email\na|b\n":        "1:: separator",
		"sep=\nlogin\na\n":                 "1:: separator",
		"sep=;\n":                          "1:: no_users",
		"login," + strings.Repeat(",", 26) + "email\n":                              "1:column B: column_empty 1:column C: column_empty " + unnamed('D', 'Z') + "1:column AA: column_empty",
		"login,firstName\na,Zo\xe9\nb,x\x00y\nc,x\ry\nd,\x85\xc2\x85\ne,\xc2\x85\n": "2:firstName: utf8 3:firstName: control 4:firstName: control 5:firstName: utf8 6:firstName: control",
		"login,firstName\na\",b\n\"c\"d,e\nf,g\n":                                   "2::2 quote 3::3 quote",
		"login,firstName\na,b\nc,\"d\ne,f\n":                                        "3::0 quote",
		"login,firstName\na," + strings.Repeat("x", 16<<10) + "y\n":                 "2:firstName: too_long",
		"login," + strings.Repeat("é", 300) + "\na,b\n":                             "1:" + strings.Repeat("é", 256) + ": column_unknown",
		"lo\"gin\na\n": "1::3 quote",
	} {
		var got []string
		for _, f := range read(t, text).Problems {
			if f.Message() == "" {
				t.Errorf("no message for %s", f.Reason)
			}
			at := ""
			if f.Character > 0 || f.Reason == "quote" {
				at = fmt.Sprint(f.Character)
			}
			got = append(got, fmt.Sprintf("%d:%s:%s %s", f.Line, f.Column, at, f.Reason))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%.60q: got %q, want %q", text, strings.Join(got, " "), want)
		}
	}
}

func TestRead_RejectsTooLargeFile(t *testing.T) {
	_, err := usercsv.Read(bytes.NewReader(make([]byte, usercsv.MaxFile+1)))
	if !errors.Is(err, usercsv.ErrTooLarge) {
		t.Errorf("got %v", err)
	}
}

func TestWrite_PreventsFormulasAndKeepsCells(t *testing.T) {
	cells := []string{"=1+1", "+33", "-1", "@SUM(A1)", "\t=1", "'=1", "''=1", "'", "''", "'abc", "abc", "=", "a\nb", `"x"`, ";", ",", " x ", "é", "＝1+1", "＠SUM(A1)", "'－1", "\n=1"}
	columns := []string{"login"}
	row := []string{"a@b.example"}
	for i, cell := range cells {
		columns, row = append(columns, fmt.Sprintf("profile.c%d", i)), append(row, cell)
	}
	for _, style := range []usercsv.Style{{}, {Semicolons: true, Mark: true}} {
		var out bytes.Buffer
		if err := usercsv.Write(&out, style, columns, [][]string{row}); err != nil {
			t.Fatal(err)
		}
		l := read(t, out.String())
		if len(l.Rows) != 1 || len(l.Problems) > 0 {
			t.Fatalf("got %+v of %s", l, out.String())
		}
		for i, cell := range cells {
			if got := l.Rows[0].Cells[columns[i+1]]; got != cell {
				t.Errorf("%q comes back as %q", cell, got)
			}
		}
		raw := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(out.Bytes(), []byte("\xef\xbb\xbf"))))
		if style.Semicolons {
			raw.Comma = ';'
		}
		lines, err := raw.ReadAll()
		if err != nil || len(lines) != 2 {
			t.Fatalf("got %q, %v", lines, err)
		}
		for _, cell := range lines[1] {
			if strings.ContainsAny(string([]rune(cell)[:1]), "=+-@＝＋－＠\t\r\n") {
				t.Errorf("%q starts a formula", cell)
			}
		}
	}
}

func FuzzRead(f *testing.F) {
	for _, seed := range []string{"login,email\na,b\n", "\xef\xbb\xbflogin;groups\r\na;\"x|y\"\r\n", "login\n\"", "login,login\n,\n", "\xff\xfe", "login\n'=1\n", "sep=;\nlogin;;\na;;\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		l, err := usercsv.Read(bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		if len(l.Rows) == 0 && len(l.Problems) == 0 {
			t.Fatal("got neither a row nor a problem")
		}
		lines := bytes.Count(text, []byte("\n")) + 1
		for _, fault := range l.Problems {
			if fault.Line < 1 || fault.Line > lines+1 || fault.Reason == "" {
				t.Fatalf("got fault %+v in %d lines", fault, lines)
			}
		}
		if !l.HeaderValid || len(l.Problems) > 0 || input.WithoutOverrides(string(text)) != string(text) {
			return
		}
		var rows [][]string
		for _, r := range l.Rows {
			row := make([]string, len(l.Columns))
			for i, c := range l.Columns {
				row[i] = r.Cells[c]
			}
			rows = append(rows, row)
		}
		var out bytes.Buffer
		if err := usercsv.Write(&out, usercsv.Style{}, l.Columns, rows); err != nil {
			t.Fatal(err)
		}
		again, err := usercsv.Read(&out)
		if err != nil || len(again.Rows) != len(l.Rows) {
			t.Fatalf("got %d rows again, %v, want %d", len(again.Rows), err, len(l.Rows))
		}
		for i := range l.Rows {
			if !maps.Equal(l.Rows[i].Cells, again.Rows[i].Cells) {
				t.Fatalf("row %d: got %q again, want %q", i, again.Rows[i].Cells, l.Rows[i].Cells)
			}
		}
	})
}

func TestRow_ProfileAndGroups(t *testing.T) {
	f := read(t, "login,groups,profile.a,profile.b,profile.c\n x@b.example ,A| B |A||,json:[1],json:yes,' json:x\n")
	profile, problems := f.Rows[0].Profile()
	if len(profile) != 3 || string(profile["login"]) != `"x@b.example"` || string(profile["a"]) != "[1]" || string(profile["c"]) != `"' json:x"` {
		t.Errorf("got profile %s", profile)
	}
	if len(problems) != 1 || problems[0].Column != "profile.b" || problems[0].Reason != "json" || problems[0].Line != 2 {
		t.Errorf("got problems %+v", problems)
	}
	if got := strings.Join(f.Rows[0].Groups(), "+"); got != "A+B" {
		t.Errorf("got groups %s", got)
	}
}
