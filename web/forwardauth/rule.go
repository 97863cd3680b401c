package forwardauth

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"sort"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"barillet/authn/account"
	"barillet/authn/session"
	"barillet/internal/input"
)

// Rule states which users can reach a host, or one of its paths and all paths below it.
type Rule struct {
	Host              string            // lower case, with a port unless it is the default port
	Path              string            // "/admin" includes "/admin/…" but not "/administration"; "/" includes all
	Groups            []account.GroupID // the user must be in one of them; empty means every user
	PhishingResistant bool              // the session must have used a security key
}

// maxPath is the maximum length of Rule.Path. The return path of a sign-in contains it, and has a limit of its own.
const maxPath = 64

// ParseRule parses a rule of the configuration: HOST[/PATH], then any number of group:ID and phishing-resistant,
// separated by blanks.
func ParseRule(text string) (Rule, error) {
	words := strings.Fields(text)
	if len(words) == 0 {
		return Rule{}, errors.New("want HOST or HOST/PATH, then group:ID or phishing-resistant")
	}
	host, path, _ := strings.Cut(words[0], "/")
	r := Rule{Host: strings.ToLower(host), Path: "/" + strings.TrimSuffix(path, "/")}
	if !isHost(r.Host) {
		return Rule{}, fmt.Errorf("invalid host %q: want a DNS name such as wiki.garage.example, in punycode", host)
	}
	if plain, ok := canonical(r.Path); !ok || plain != r.Path || len(r.Path) > maxPath {
		return Rule{}, fmt.Errorf("invalid path %q: want at most %d plain characters such as /admin", r.Path, maxPath)
	}
	for _, word := range words[1:] {
		id, group := strings.CutPrefix(word, "group:")
		switch {
		case group && id != "" && len(id) <= 64:
			r.Groups = append(r.Groups, account.GroupID(id))
		case word == "phishing-resistant" && !r.PhishingResistant:
			r.PhishingResistant = true
		default:
			return Rule{}, fmt.Errorf("unknown condition %q: want group:ID or phishing-resistant", word)
		}
	}
	return r, nil
}

// isHost reports whether host is a DNS name, with or without a port. It returns false for an IP
// address.
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

// Admits reports whether the user is in one of the groups.
func (r *Rule) Admits(info *session.Info) bool {
	return len(r.Groups) == 0 || slices.ContainsFunc(info.Groups, func(g account.GroupID) bool { return slices.Contains(r.Groups, g) })
}

// Satisfied reports whether the session used the factors that the rule requires.
func (r *Rule) Satisfied(info *session.Info) bool {
	return !r.PhishingResistant || info.PhishingResistant()
}

// rules lists the rules of each host, the path with the most segments first.
type rules map[string][]Rule

func newRules(all []Rule) (rules, error) {
	out := rules{}
	for _, r := range all {
		// Two rules that fold to one path would depend on the server that reads them.
		if slices.ContainsFunc(out[r.Host], func(x Rule) bool { return input.Loose(x.Path) == input.Loose(r.Path) }) {
			return nil, fmt.Errorf("two rules name %s%s", r.Host, r.Path)
		}
		out[r.Host] = append(out[r.Host], r)
	}
	depth := func(r Rule) int { return strings.Count(strings.TrimSuffix(r.Path, "/"), "/") }
	for _, of := range out {
		sort.Slice(of, func(i, j int) bool {
			a, b := of[i], of[j]
			return cmp.Or(cmp.Compare(depth(b), depth(a)), cmp.Compare(len(b.Path), len(a.Path))) < 0
		})
	}
	return out, nil
}

// match returns the rule for a request. It returns nil if there is none, and if servers could resolve the path to
// different rules. If one rule includes the whole host, every path matches it.
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
		path := read(plain)
		i := slices.IndexFunc(of, func(r Rule) bool { return below(path, read(r.Path)) })
		if i < 0 {
			return nil
		}
		return &of[i]
	}
	// Some servers ignore case, accents, or the difference between a full-width letter and an ASCII letter.
	exact, folded := as(strings.Clone), as(input.Loose)
	if exact != folded {
		return nil
	}
	return exact
}

// find returns the rule with exactly this path; nil if there is none.
func (all rules) find(host, path string) *Rule {
	for i, r := range all[host] {
		if r.Path == path {
			return &all[host][i]
		}
	}
	return nil
}

// nearest returns the rule for a page of a host that has rules; the one with the shortest path if no rule matches.
func (all rules) nearest(host, page string) *Rule {
	path, _, _ := strings.Cut(page, "?")
	if rule := all.match(host, path); rule != nil {
		return rule
	}
	return &all[host][len(all[host])-1]
}

// below reports whether path is prefix or lies below it.
func below(path, prefix string) bool {
	rest, ok := strings.CutPrefix(path, strings.TrimSuffix(prefix, "/"))
	return ok && (rest == "" || rest[0] == '/')
}

// canonical returns a path after one percent-decoding. It returns false if servers could read the path differently:
// before or after they replace compatibility characters (UAX 15) or those that look like a delimiter.
func canonical(raw string) (string, bool) {
	if !strings.HasPrefix(raw, "/") || strings.ContainsFunc(raw, func(c rune) bool { return c <= ' ' || c == '#' }) {
		return "", false
	}
	path, err := url.PathUnescape(raw)
	if err != nil || strings.ContainsFunc(path, invisible) || strings.Count(path, "/") != strings.Count(raw, "/") {
		return "", false
	}
	if folded := delimiters(path); strings.Count(folded, "/") != strings.Count(path, "/") || !unambiguous(folded) {
		return "", false
	}
	return path, true
}

// invisible reports whether a character leaves no mark of its own, or is no UTF-8. Servers drop or replace such characters.
func invisible(c rune) bool {
	return !unicode.IsPrint(c) || c == utf8.RuneError || unicode.In(c, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point)
}

// delimiters returns a path with ASCII delimiters for the characters that servers convert to them: by NFKC, and by the
// tables with which Windows converts text to a code page.
func delimiters(path string) string {
	return strings.Map(func(c rune) rune {
		switch c {
		case '\u2044', '\u2215', '\u2571', '\u29f8':
			return '/'
		case '\u2216', '\u29f5', '\u29f9':
			return '\\'
		case '\u3002':
			return '.'
		case '\u066a':
			return '%'
		}
		return c
	}, norm.NFKC.String(path))
}

// unambiguous reports whether all servers read a decoded path alike. They differ in what ends a path or a segment, in
// empty and dot segments, and Windows drops blanks and dots at the end of a segment and the name of an NTFS stream.
func unambiguous(path string) bool {
	if strings.ContainsAny(path, `\%;?#`) || strings.Contains(path, "::") || strings.Contains(path, ":$") {
		return false
	}
	segments := strings.Split(path[1:], "/")
	for i, s := range segments {
		if s == "" && i < len(segments)-1 || strings.TrimLeft(strings.TrimRight(s, ". "), " ") != s {
			return false
		}
	}
	return true
}
