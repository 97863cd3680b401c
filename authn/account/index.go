package account

import (
	"slices"
	"strings"

	"barillet/store"
)

// indexedAddresses are the addresses under which the person is found; no two people share one. A shadow is found by none.
func (u *User) indexedAddresses() []string {
	if u.Placeholder {
		return nil
	}
	out := []string{u.Login}
	for _, a := range u.Addresses() {
		if !slices.Contains(out, a) {
			out = append(out, a)
		}
	}
	return out
}

// nameKeys are the index entries that find the person by the beginning of a name or of an address. A shadow has none.
func (u *User) nameKeys() []string {
	var out []string
	if u.Placeholder {
		return nil
	}
	for _, name := range append([]string{u.FirstName, u.LastName}, u.indexedAddresses()...) {
		if folded := FoldName(name); folded != "" {
			key := folded + "/" + string(u.ID)
			if !slices.Contains(out, key) {
				out = append(out, key)
			}
		}
	}
	return out
}

// firstKey is the first of the index entries that begin so: a person whom several find is listed there alone, or
// the next page would list them again.
func (u *User) firstKey(folded string) string {
	first := ""
	for _, key := range u.nameKeys() {
		if strings.HasPrefix(key, folded) && (first == "" || key < first) {
			first = key
		}
	}
	return first
}

// FoldName is how names are looked up: lower case, escaped, at most 64 characters and 384 bytes, which leave
// room for the rest of a key. It decides nothing but what a search finds.
func FoldName(name string) string {
	runes := []rune(strings.ToLower(strings.TrimSpace(name)))
	for n := min(len(runes), MaxName); ; n-- {
		if key := store.Escape(string(runes[:n])); len(key) <= 384 {
			return key
		}
	}
}
