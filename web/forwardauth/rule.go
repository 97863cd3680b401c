package forwardauth

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"barillet/authn/account"
	"barillet/authn/session"
)

// Rule tells who may go to a host, or to what lies below one of its paths.
type Rule struct {
	Host              string            // lower case; with a port unless it is the scheme's own
	Path              string            // whole segments: "/admin" is for "/admin" and "/admin/…"; "/" is for all
	Groups            []account.GroupID // a person is in one of them; empty: everybody who is signed in
	PhishingResistant bool              // a security key was proven in the session
}

// maxPath keeps the way back from the sign-in, which names the path, within what a page takes as its next.
const maxPath = 64

// ParseRule reads a rule of the configuration: HOST[/PATH], then any of group:ID and phishing-resistant, parted by
// blanks.
func ParseRule(text string) (Rule, error) {
	words := strings.Fields(text)
	if len(words) == 0 {
		return Rule{}, errors.New("want HOST, HOST/PATH, and behind it group:ID or phishing-resistant")
	}
	host, path, _ := strings.Cut(words[0], "/")
	r := Rule{Host: strings.ToLower(host), Path: "/" + strings.TrimSuffix(path, "/")}
	if !isHost(r.Host) {
		return Rule{}, fmt.Errorf("%q is no host such as wiki.garage.example", host)
	}
	if plain, ok := canonical(r.Path); !ok || plain != r.Path || len(r.Path) > maxPath {
		return Rule{}, fmt.Errorf("%q is no path of at most %d plain characters such as /admin", r.Path, maxPath)
	}
	for _, word := range words[1:] {
		id, group := strings.CutPrefix(word, "group:")
		switch {
		case group && id != "" && len(id) <= 64:
			r.Groups = append(r.Groups, account.GroupID(id))
		case word == "phishing-resistant" && !r.PhishingResistant:
			r.PhishingResistant = true
		default:
			return Rule{}, fmt.Errorf("%q is neither group:ID nor phishing-resistant", word)
		}
	}
	return r, nil
}

// isHost takes a DNS name, with or without a port: addresses have no cookies of their own worth the name.
func isHost(host string) bool {
	name := host
	if h, port, err := net.SplitHostPort(host); err == nil {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return false
		}
		name = h
	}
	if _, err := netip.ParseAddr(name); err == nil || len(name) > 253 {
		return false
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 || strings.Trim(label, "-") != label ||
			strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
			return false
		}
	}
	return true
}

// Admits tells whether the rule's groups have the person among them.
func (r *Rule) Admits(live *session.Info) bool {
	return len(r.Groups) == 0 || slices.ContainsFunc(live.Groups, func(g account.GroupID) bool { return slices.Contains(r.Groups, g) })
}

// Satisfied tells whether the session has shown what the rule asks for.
func (r *Rule) Satisfied(live *session.Info) bool {
	return !r.PhishingResistant || live.PhishingResistant()
}

// rules are those of every host, the longest path first.
type rules map[string][]Rule

func newRules(all []Rule) (rules, error) {
	out := rules{}
	for _, r := range all {
		if slices.ContainsFunc(out[r.Host], func(x Rule) bool { return strings.EqualFold(x.Path, r.Path) }) {
			return nil, fmt.Errorf("two rules for %s%s", r.Host, r.Path)
		}
		out[r.Host] = append(out[r.Host], r)
	}
	for _, of := range out {
		slices.SortFunc(of, func(a, b Rule) int { return cmp.Compare(len(b.Path), len(a.Path)) })
	}
	return out, nil
}

// match is the rule that a request falls under; nil when there is none, or when it cannot be told which: a path that
// servers read in more than one way is then refused. Where a whole host has one rule, no path can change the answer.
func (all rules) match(host, path string) *Rule {
	of := all[host]
	if len(of) == 1 && of[0].Path == "/" {
		return &of[0]
	}
	plain, ok := canonical(path)
	if !ok {
		return nil
	}
	as := func(read func(string) string) *Rule {
		i := slices.IndexFunc(of, func(r Rule) bool { return below(read(plain), read(r.Path)) })
		if i < 0 {
			return nil
		}
		return &of[i]
	}
	// Some servers do not tell /Admin from /admin, nor a letter of full width from a plain one.
	exact, folded := as(strings.Clone), as(func(s string) string { return strings.ToLower(norm.NFKC.String(s)) })
	if exact != folded {
		return nil
	}
	return exact
}

// find is the rule of that very path.
func (all rules) find(host, path string) *Rule {
	for i, r := range all[host] {
		if r.Path == path {
			return &all[host][i]
		}
	}
	return nil
}

// below tells whether a path is prefix or lies below it.
func below(path, prefix string) bool {
	rest, ok := strings.CutPrefix(path, strings.TrimSuffix(prefix, "/"))
	return ok && (rest == "" || rest[0] == '/')
}

// canonical is a path decoded once, if every server reads it alike: without dot segments, empty ones, parameters behind
// a semicolon, and separators or percent signs that were encoded.
func canonical(raw string) (string, bool) {
	if !strings.HasPrefix(raw, "/") || strings.ContainsFunc(raw, func(c rune) bool { return c <= ' ' || c == '\\' || c == '#' || c == 0x7f }) {
		return "", false
	}
	path, err := url.PathUnescape(raw)
	if err != nil || !utf8.ValidString(path) || strings.Count(path, "/") != strings.Count(raw, "/") {
		return "", false
	}
	if strings.ContainsFunc(path, func(c rune) bool {
		return c < ' ' || c == 0x7f || c == '\\' || c == '%' || c == ';' || c == utf8.RuneError
	}) {
		return "", false
	}
	segments := strings.Split(path[1:], "/")
	for i, s := range segments {
		if s == "." || s == ".." || s == "" && i < len(segments)-1 {
			return "", false
		}
	}
	return path, true
}
