package oath

import "strings"

// View is what a page needs to show a secret. It holds the secret.
type View struct {
	URI    string `json:"uri"`    // otpauth://…, for a link that opens the app on the same phone
	Secret string `json:"secret"` // base32, ungrouped
	Groups string `json:"groups"` // the same in groups of four, for reading and typing
	QR     QR     `json:"qr"`
}

// NewView returns the view of a secret and its otpauth URI.
func NewView(uri string, s Secret) (View, error) {
	qr, err := draw(uri)
	if err != nil {
		return View{}, err
	}
	return View{URI: uri, Secret: s.Base32(), Groups: grouped(s.Base32()), QR: qr}, nil
}

// grouped separates a secret into groups of four.
func grouped(b32 string) string {
	var out strings.Builder
	for i, c := range b32 {
		if i > 0 && i%4 == 0 {
			out.WriteByte(' ')
		}
		out.WriteRune(c)
	}
	return out.String()
}
