package store

import "fmt"

// Size returns a number of bytes for an operator, in MiB.
func Size[N int64 | uint64](bytes N) string {
	if bytes < 10<<20 {
		return fmt.Sprintf("%.1f MiB", float64(bytes)/(1<<20))
	}
	return fmt.Sprintf("%d MiB", bytes>>20)
}
