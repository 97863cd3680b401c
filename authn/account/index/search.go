// Package index derives the keys of the indexes of users from the fields of a user. It reads and writes no record.
package index

import (
	"slices"
	"strings"

	"barillet/internal/input"
	"barillet/store"
)

// Limits of the search index. A word beyond them is found only as the continuation of an earlier one.
const (
	maxNameWords    = 8   // of a first or last name
	maxAddressWords = 5   // of a login or an address
	maxSearchKeys   = 20  // of one user
	maxSearchText   = 64  // characters of an entry
	maxSearchBytes  = 384 // of an entry after store.Escape, so that a key has room for the user id
)

// SearchKeys returns the entries that find a user by the start of each word of a name, a login or an address. The entry of a
// word of a name continues with the words after it and then with those before it, so that "Durand Amélie" finds Amélie Durand.
func SearchKeys(id, firstName, lastName string, addresses ...string) []string {
	first, last := input.Words(firstName), input.Words(lastName)
	fields := [][]string{
		input.SearchTexts(first, slices.Concat(last, first), maxNameWords),
		input.SearchTexts(last, slices.Concat(first, last), maxNameWords),
	}
	for _, address := range addresses {
		fields = append(fields, input.SearchTexts(input.Words(address), nil, maxAddressWords))
	}
	var starts, others []string // the start of a field is always indexed
	for _, texts := range fields {
		starts = append(starts, texts[:min(1, len(texts))]...)
		others = append(others, texts[min(1, len(texts)):]...)
	}
	var out []string
	for _, text := range append(starts, others...) {
		if key := SearchKey(text) + "/" + id; len(out) < maxSearchKeys && !slices.Contains(out, key) {
			out = append(out, key)
		}
	}
	return out
}

// SearchPrefix returns the start of the entries that a search finds; "" if the text has no letter and no digit.
func SearchPrefix(text string) string {
	var words []string
	for _, w := range input.Words(text) {
		words = append(words, w.Text)
	}
	return SearchKey(strings.Join(words, " "))
}

// SearchKey returns a text in the form of the search index: escaped and within its limits.
func SearchKey(text string) string {
	runes := []rune(text)
	for n := min(len(runes), maxSearchText); ; n-- {
		if key := store.Escape(string(runes[:n])); len(key) <= maxSearchBytes {
			return key
		}
	}
}
