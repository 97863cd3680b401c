package account

import (
	"slices"
	"strings"

	"barillet/authn/account/index"
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

// nameKeys returns the index entries that find the user by the start of each word of a name, a login or an address. A
// placeholder has none.
func (u *User) nameKeys() []string {
	if u.Placeholder {
		return nil
	}
	return u.searchKeys()
}

// searchKeys is nameKeys also for a placeholder.
func (u *User) searchKeys() []string {
	as := u.AsGiven()
	return index.SearchKeys(string(u.ID), u.FirstName, u.LastName, u.Login, u.Email, u.SecondEmail, as.Login, as.Email, as.SecondEmail)
}

// FirstSearchKey returns the first index entry of the user with the prefix. A list shows the user at this entry only, so that a
// later page does not repeat them.
func (u *User) FirstSearchKey(prefix string) string {
	first := ""
	for _, key := range u.nameKeys() {
		if strings.HasPrefix(key, prefix) && (first == "" || key < first) {
			first = key
		}
	}
	return first
}

// MatchesPrefix reports whether a search finds the user, or the placeholder.
func (u *User) MatchesPrefix(prefix string) bool {
	key := index.SearchPrefix(prefix)
	return prefix == "" || key != "" && slices.ContainsFunc(u.searchKeys(), func(k string) bool { return strings.HasPrefix(k, key) })
}
