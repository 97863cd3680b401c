// Package rootkeys owns the keys that are kept outside the store, and the key file that has them. It never prints a key. It does not
// know what the store seals, or where the key file is.
package rootkeys
