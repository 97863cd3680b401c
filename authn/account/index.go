package account

import (
	"slices"
	"strings"

	"barillet/internal/input"
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

// Limits of the search index. A word beyond them is found only as the continuation of an earlier one.
const (
	maxNameWords    = 8  // of a first or last name
	maxAddressWords = 5  // of a login or an address
	maxIndexKeys    = 20 // of one user
)

// nameKeys returns the index entries that find the user by the start of each word of a name, a login or an address. A
// placeholder has none.
func (u *User) nameKeys() []string {
	if u.Placeholder {
		return nil
	}
	return u.searchKeys()
}

// searchKeys is nameKeys also for a placeholder. The entry of a word of a name continues with the words after it and then
// with those before it, so that "Durand Amélie" finds Amélie Durand.
func (u *User) searchKeys() []string {
	first, last := input.Words(u.FirstName), input.Words(u.LastName)
	fields := [][]string{
		input.SearchTexts(first, slices.Concat(last, first), maxNameWords),
		input.SearchTexts(last, slices.Concat(first, last), maxNameWords),
	}
	as := u.AsGiven()
	for _, address := range []string{u.Login, u.Email, u.SecondEmail, as.Login, as.Email, as.SecondEmail} {
		fields = append(fields, input.SearchTexts(input.Words(address), nil, maxAddressWords))
	}
	var starts, others []string // the start of a field is always indexed
	for _, texts := range fields {
		starts = append(starts, texts[:min(1, len(texts))]...)
		others = append(others, texts[min(1, len(texts)):]...)
	}
	var out []string
	for _, text := range append(starts, others...) {
		if key := indexKey(text) + "/" + string(u.ID); len(out) < maxIndexKeys && !slices.Contains(out, key) {
			out = append(out, key)
		}
	}
	return out
}

// firstKey returns the first index entry of the user with the prefix. A list shows the user at this entry only, so that a
// later page does not repeat them.
func (u *User) firstKey(prefix string) string {
	first := ""
	for _, key := range u.nameKeys() {
		if strings.HasPrefix(key, prefix) && (first == "" || key < first) {
			first = key
		}
	}
	return first
}

// MatchesPrefix reports whether UserQuery.Prefix finds the user, or the placeholder.
func (u *User) MatchesPrefix(prefix string) bool {
	key := searchPrefix(prefix)
	return prefix == "" || key != "" && slices.ContainsFunc(u.searchKeys(), func(k string) bool { return strings.HasPrefix(k, key) })
}

// searchPrefix returns the start of the index entries that a search finds; "" if the text has no letter and no digit.
func searchPrefix(text string) string {
	var words []string
	for _, w := range input.Words(text) {
		words = append(words, w.Text)
	}
	return indexKey(strings.Join(words, " "))
}

// indexKey returns a text in the form of the search index: escaped, at most 64 characters and 384 bytes, so that a key has
// room for the user id.
func indexKey(text string) string {
	runes := []rune(text)
	for n := min(len(runes), MaxName); ; n-- {
		if key := store.Escape(string(runes[:n])); len(key) <= 384 {
			return key
		}
	}
}
