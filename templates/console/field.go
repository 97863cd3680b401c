package console

import (
	"net/url"
	"slices"
)

// Length returns the maximum number of characters of the field.
func (f Field) Length() int {
	if f.Max > 0 {
		return f.Max
	}
	return 254
}

// Has reports whether an option is chosen.
func (f Field) Has(value string) bool { return value == f.Value || slices.Contains(f.Values, value) }

// Offers reports whether the field has the option.
func (f Field) Offers(value string) bool {
	return slices.ContainsFunc(f.Options, func(o Option) bool { return o.Value == value })
}

// Fill sets the values of fields that were sent.
func Fill(fields []Field, values url.Values) {
	for i := range fields {
		if f := &fields[i]; len(values[f.Name]) > 0 {
			f.Value, f.Values = values.Get(f.Name), values[f.Name]
		}
	}
}
