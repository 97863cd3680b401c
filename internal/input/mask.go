package input

import "strings"

// MaskEmails returns the addresses with most characters hidden, such as "a•••@g•••.example".
func MaskEmails(addresses []string) []string {
	var out []string
	for _, a := range addresses {
		local, domain, _ := strings.Cut(a, "@")
		name, top := domain, ""
		if dot := strings.LastIndexByte(domain, '.'); dot >= 0 {
			name, top = domain[:dot], domain[dot:]
		}
		out = append(out, head(local)+"@"+head(name)+top)
	}
	return out
}

// head returns the first character of an ASCII text, and dots.
func head(s string) string { return s[:min(len(s), 1)] + "•••" }
