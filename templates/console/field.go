package console

import "slices"

// Length returns the maximum number of characters of the field.
func (f Field) Length() int {
	if f.Max > 0 {
		return f.Max
	}
	return 254
}

// Has reports whether an option is chosen.
func (f Field) Has(value string) bool { return value == f.Value || slices.Contains(f.Values, value) }
