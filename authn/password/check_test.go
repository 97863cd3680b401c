package password_test

import (
	"compress/gzip"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/unicode/norm"

	"barillet/authn/password"
	"barillet/internal/errcode"
	"barillet/store"
)

func TestValidate(t *testing.T) {
	p := newHasher(t, store.NewRootKeys().Pepper, password.Policy{Context: []string{"Garage Martin", "Barillet"}})
	about := []string{"lea.vasseur@atelier-nord.example", "Léa Vasseur", "mécano-chef"}
	tests := []struct{ name, password, want string }{
		{"a sentence", "trois chats sur le capot", ""},
		{"eight random characters", "vK7#qmzT", ""},
		{"eight code points of two bytes", "éàùçôîêœ", ""},
		{"spaces and emoji", "🔧 clé de douze 🔧", ""},
		{"64 characters", strings.Repeat("quatre roues ", 5)[:64], ""},
		{"256 characters", norm.NFC.String(strings.Repeat("une phrase bien longue et sans fin, ", 8)[:256]), ""},
		{"only small letters", "brumeuxcapotlent", ""},
		{"a word of the user in a long sentence", "vasseur aime la pluie d'octobre", ""},
		{"a word that holds three letters of a name", "cle a molette oubliee", ""},

		{"nothing", "", "too_short"},
		{"seven characters", "vK7#qmz", "too_short"},
		{"eight bytes but four characters", "éàùç", "too_short"},
		{"decomposed accents count once", "e\u0301a\u0300u\u0300c\u0327", "too_short"},
		{"257 characters", strings.Repeat("abcdefghi jklm ", 20)[:257], "too_long"},
		{"a megabyte", strings.Repeat("a", 1<<20), "too_long"},
		{"NUL", "trois chats\x00sur", "control"},
		{"a line end", "trois chats\nsur", "control"},
		{"invalid UTF-8", "trois chats \xff", "control"},

		{"the most common", "password", "common"},
		{"a common one in capitals", "PassWord", "common"},
		{"a common one with digits behind", "Soleil2026!", "common"},
		{"a common one with digits before", "123doudou", "common"},
		{"motdepasse", "motdepasse", "common"},
		{"a common one with accents", "Éléphant1", "common"},
		{"azerty", "azertyui", "common"},
		{"two runs of keys", "azerty1234", "common"},
		{"backward", "poiuytreza", "common"},
		{"the digits of the French keyboard", "&é\"'(-è_", "common"},
		{"columns of keys", "1qaz2wsx3edc", "common"},
		{"counting", "1234567890", "common"},
		{"counting down", "9876543210", "common"},
		{"one character", "aaaaaaaaaaaa", "common"},
		{"one character that is no letter", "🔧🔧🔧🔧🔧🔧🔧🔧🔧🔧", "common"},
		{"two in turn", "xyxyxyxyxyxy", "common"},
		{"four again and again", "7vkq7vkq7vkq7", "common"},

		{"the site", "garagemartin", "site"},
		{"the site with digits", "Barillet2026", "site"},
		{"the site in parts", "Martin-Garage!1", "site"},
		{"the name", "LeaVasseur", "about_you"},
		{"the name with a year", "vasseur1985", "about_you"},
		{"the name with accents and signs", "l.é.a_Vasseur!", "about_you"},
		{"a short name in digits", "lea123459876", "about_you"},
		{"the address", "lea.vasseur@atelier-nord.example", "about_you"},
		{"the host of the address", "atelier-nord1", "about_you"},
		{"the login without its sign", "MecanoChef99", "about_you"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := p.Validate(tt.password, about)
			got := ""
			if refusal, ok := errors.AsType[*errcode.Error](err); ok {
				got = refusal.Reason
				if refusal.Code != errcode.Invalid || refusal.Field != "password" {
					t.Errorf("got %v, want invalid, password", refusal)
				}
			} else if err != nil {
				t.Fatal(err)
			}
			if got != tt.want {
				t.Errorf("%q: got %q, want %q", tt.password, got, tt.want)
			}
		})
	}
}

func TestValidate_AcceptsEmptyContext(t *testing.T) {
	p := newHasher(t, store.NewRootKeys().Pepper, password.Policy{})
	for _, about := range [][]string{nil, {""}, {"", "  ", "-"}, {"\xff\xfe"}, {strings.Repeat("a", 1<<20)}} {
		if err := p.Validate("trois chats sur le capot", about); err != nil {
			t.Errorf("got %v, want no error", err)
		}
	}
}

func TestValidate_UsesMinimumOfPolicy(t *testing.T) {
	p := newHasher(t, store.NewRootKeys().Pepper, password.Policy{Min: 15})
	if err := p.Validate("vK7#qmzTpW3x&b", nil); !errors.Is(err, errcode.InvalidField("password", "too_short")) {
		t.Errorf("got %v, want too_short", err)
	}
	if err := p.Validate("vK7#qmzTpW3x&b!", nil); err != nil {
		t.Errorf("got %v, want none", err)
	}
}

// TestBlocklist checks the form of the lists, and that Validate rejects each entry of eight characters or more.
func TestBlocklist(t *testing.T) {
	file, err := os.Open("blocklist/common.txt.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	unpack, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	common, err := io.ReadAll(unpack)
	if err != nil {
		t.Fatal(err)
	}
	french, err := os.ReadFile("blocklist/french.txt")
	if err != nil {
		t.Fatal(err)
	}
	p := newHasher(t, store.NewRootKeys().Pepper, password.Policy{})
	for name, list := range map[string]string{"common": string(common), "french": string(french)} {
		words := strings.Split(strings.TrimSuffix(list, "\n"), "\n")
		if name == "common" && len(words) < 10_000 {
			t.Errorf("got %d words, want at least 10,000", len(words))
		}
		if !slices.IsSorted(words) || len(slices.Compact(slices.Clone(words))) != len(words) {
			t.Errorf("%s is not sorted or has duplicates", name)
		}
		for _, word := range words {
			if len(word) < 4 || word != strings.ToLower(word) || strings.ContainsFunc(word, func(r rune) bool { return r <= ' ' || r > '~' }) {
				t.Errorf("%s: malformed entry %q", name, word)
			}
			if len(word) < 8 {
				continue
			}
			if err := p.Validate(word, nil); !errors.Is(err, errcode.InvalidField("password", "common")) {
				t.Errorf("%s: %q: got %v, want common", name, word, err)
			}
		}
	}
}

// FuzzValidate checks that Validate does not panic and that NFC does not change its result.
func FuzzValidate(f *testing.F) {
	p := newHasher(f, store.NewRootKeys().Pepper, password.Policy{Context: []string{"Garage Martin"}})
	for _, seed := range []string{"trois chats sur le capot", "azertyui", "e\u0301\u0301", "\xff", "1234", ""} {
		f.Add(seed, "Léa Vasseur")
	}
	f.Fuzz(func(t *testing.T, password, about string) {
		err := p.Validate(password, []string{about})
		if err != nil && errcode.Of(err) != errcode.Invalid {
			t.Errorf("got %v", err)
		}
		if composed := norm.NFC.String(password); len(password) < 1<<10 && len(composed) < 1<<10 {
			composedErr := p.Validate(composed, []string{about})
			if (err == nil) != (composedErr == nil) {
				t.Errorf("got %v as typed, %v in NFC", err, composedErr)
			}
		}
	})
}

// A breached password is refused in both forms that an attacker may have, and only after all other faults.
func TestValidate_RejectsBreachedPasswords(t *testing.T) {
	p := newHasher(t, store.NewRootKeys().Pepper, password.Policy{})
	breached := map[string]bool{"trois chats sur le capot": true, "café du garage": true, "cafe\u0301 au comptoir": true, "azertyui": true}
	p.Breached = func(password string) bool { return breached[password] }
	for password, want := range map[string]string{
		"trois chats sur le capot": "breached", "cafe\u0301 du garage": "breached", "cafe\u0301 au comptoir": "breached",
		"Trois chats sur le capot": "", "azertyui": "common",
	} {
		var fault *errcode.Error
		errors.As(p.Validate(password, nil), &fault)
		got := ""
		if fault != nil {
			got = fault.Reason
		}
		if got != want {
			t.Errorf("%q: got %q, want %q", password, got, want)
		}
	}
}
