package account

import (
	"slices"
	"strings"

	"barillet/store"
)

// indexedAddresses returns the addresses by which the user can be found. Two users never share one. A placeholder has none.
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

// nameKeys returns the index entries that find the user by the start of a name or of an address. A placeholder has none.
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

// firstKey returns the first index entry of the user with the prefix. A list shows the user at this entry only, so that a
// later page does not repeat them.
func (u *User) firstKey(folded string) string {
	first := ""
	for _, key := range u.nameKeys() {
		if strings.HasPrefix(key, folded) && (first == "" || key < first) {
			first = key
		}
	}
	return first
}

// FoldName returns the form of a name in the search index: lower case, escaped, at most 64 characters and 384 bytes, so
// that a key has room for the user id. Use it only for search.
func FoldName(name string) string {
	runes := []rune(strings.ToLower(strings.TrimSpace(name)))
	for n := min(len(runes), MaxName); ; n-- {
		if key := store.Escape(string(runes[:n])); len(key) <= 384 {
			return key
		}
	}
}
