package input

import (
	"net/url"
	"strings"

	"golang.org/x/net/idna"
)

// domains converts labels as browsers do, but keeps "ß" and other letters that IDNA 2003 replaced (UTS 46 §4).
var domains = idna.New(idna.MapForLookup(), idna.Transitional(false), idna.BidiRule(), idna.StrictDomainName(true))

// Domain returns a domain with its labels of other scripts in punycode. Other labels stay as they are. It returns false for
// a label that is not a name, or that becomes ASCII only because characters are replaced. It returns false also for a label
// that mixes Latin letters with letters that look like them. Such a label can be given in punycode.
func Domain(domain string) (ascii string, ok bool) {
	labels := strings.Split(domain, ".")
	for i, label := range labels {
		if isASCII(label) {
			continue
		}
		converted, err := domains.ToASCII(label)
		if err != nil || !strings.HasPrefix(converted, "xn--") || strings.Contains(converted, ".") || MixesScripts(label) {
			return "", false
		}
		if shown, err := domains.ToUnicode(converted); err != nil || shown != strings.ToLower(label) {
			return "", false
		}
		labels[i] = converted
	}
	return strings.Join(labels, "."), true
}

// PunycodeHost returns the host of a URL in punycode, without the port, for an error that asks for it. It returns "" if the
// host is ASCII, or is no name that Domain accepts.
func PunycodeHost(address string) string {
	u, err := url.Parse(address)
	if err != nil || isASCII(u.Hostname()) {
		return ""
	}
	host, _ := Domain(strings.ToLower(u.Hostname()))
	return host
}

func isASCII(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r > 0x7e }) < 0
}
