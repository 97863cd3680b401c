package config

import "strings"

// Nearest returns the known name that is spelt most like name; empty if none is spelt almost like it.
func Nearest(name string, known []string) (nearest string) {
	best := 3 // more than two mistakes make another word
	if len(name) <= 5 {
		best = 2
	}
	for _, k := range known {
		if d := distance(name, k); d < best {
			nearest, best = k, d
		}
	}
	return nearest
}

// nearestVariable is Nearest without the prefix that all variables share.
func nearestVariable(name string, known []string) string {
	const prefix = "BARILLET_"
	names := make([]string, len(known))
	for i, k := range known {
		names[i] = strings.TrimPrefix(k, prefix)
	}
	if near := Nearest(strings.TrimPrefix(name, prefix), names); near != "" {
		return prefix + near
	}
	return ""
}

// distance returns the number of letters to insert, delete, replace or swap with the next one to make b of a (optimal string
// alignment). Lower and upper case are the same.
func distance(a, b string) int {
	a, b = strings.ToLower(a), strings.ToLower(b)
	var before []int
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		next := make([]int, len(b)+1)
		next[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			next[j+1] = min(row[j]+cost, row[j+1]+1, next[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				next[j+1] = min(next[j+1], before[j-1]+1)
			}
		}
		before, row = row, next
	}
	return row[len(b)]
}
