package oath

import (
	"net/url"
	"strings"

	"barillet/factors"
)

// Imported is what an otpauth URI of another service says.
type Imported struct {
	Secret     Secret
	Name       string            // of the other service, as the user's app shows it; else the login
	Parameters map[string]string // of the query, in lower case
}

// ReadURI reads an otpauth URI of the kind "totp" or "hotp" for a user with this login. It returns ImportOtherKind for another kind, and another
// ImportError if the URI, the secret, the algorithm or the number of digits cannot be accepted.
func ReadURI(kind, text, login string) (Imported, error) {
	u, err := url.Parse(strings.TrimSpace(text))
	if err != nil || !strings.EqualFold(u.Scheme, "otpauth") {
		return Imported{}, factors.ImportError("no_otpauth")
	}
	if !strings.EqualFold(u.Host, kind) {
		return Imported{}, factors.ImportOtherKind
	}
	given, err := parameters(u.RawQuery)
	if err != nil {
		return Imported{}, err
	}
	switch strings.TrimPrefix(strings.ReplaceAll(strings.ToUpper(given["algorithm"]), "-", ""), "HMAC") {
	case "", "SHA1":
	default:
		return Imported{}, factors.ImportError("algorithm")
	}
	if d := given["digits"]; d != "" && d != "6" {
		return Imported{}, factors.ImportError("digits")
	}
	s, err := DecodeBase32(given["secret"])
	if err != nil {
		return Imported{}, err
	}
	return Imported{Secret: s, Name: named(u, given["issuer"], login), Parameters: given}, nil
}

// parameters reads a query in which each name occurs at most once.
func parameters(query string) (map[string]string, error) {
	values, err := url.ParseQuery(query)
	if err != nil {
		return nil, factors.ImportError("no_otpauth")
	}
	given := map[string]string{}
	for name, all := range values {
		name = strings.ToLower(name)
		if _, twice := given[name]; twice || len(all) > 1 {
			return nil, factors.ImportError("twice")
		}
		given[name] = strings.TrimSpace(all[0])
	}
	return given, nil
}

// named returns the issuer, the label or the login, whichever is the first that is not empty.
func named(u *url.URL, issuer, login string) string {
	label, _, _ := strings.Cut(strings.TrimPrefix(u.Path, "/"), ":")
	for _, name := range []string{issuer, label, login} {
		if name = clean(name, maxIssuer); name != "" {
			return name
		}
	}
	return "otpauth"
}
