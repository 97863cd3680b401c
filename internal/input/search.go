package input

import "slices"

// SearchTexts returns, for each place in the words where a search can start, the text from there. after follows the last
// word, as far as the text is not longer than all words.
func SearchTexts(words []Word, after []Word, limit int) (out []string) {
	all := slices.Concat(words, after)
	for i, w := range words {
		end := len(all)
		if len(after) > 0 {
			end = i + len(after) // every word once
		}
		for _, start := range w.Starts() {
			if len(out) == limit {
				return out
			}
			for _, next := range all[i+1 : end] {
				start += " " + next.Text
			}
			out = append(out, start)
		}
	}
	return out
}
