package webauthn

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"barillet/factors"
)

// clientNames are the members that are checked. The library reads them with encoding/json, which accepts "TYPE" for
// "type" and the last of two. Both are refused here, so that the data have one meaning.
var clientNames = []string{"type", "challenge", "origin", "crossOrigin", "topOrigin", "tokenBinding"}

// checkClientData checks what the library does not (WebAuthn L3 §7.1 steps 5 to 11, §7.2
// steps 8 to 14). The challenge is compared by the library.
func checkClientData(raw []byte, ceremony string, origins []string) factors.Reason {
	// Steps 5 and 8: UTF-8. The library would repair invalid bytes. A browser never writes a byte order mark.
	if len(raw) == 0 || len(raw) > maxAnswer || !utf8.Valid(raw) || bytes.HasPrefix(raw, []byte("\xef\xbb\xbf")) {
		return factors.ReasonFormat
	}
	// Steps 6 and 9: an object.
	c, err := readObject(raw, clientNames)
	if err != nil {
		return factors.ReasonFormat
	}
	var kind, challenge, origin string
	for name, to := range map[string]*string{"type": &kind, "challenge": &challenge, "origin": &origin} {
		if json.Unmarshal(c[name], to) != nil {
			return factors.ReasonFormat
		}
	}
	// Steps 7 and 10.
	if kind != ceremony {
		return factors.ReasonWrong
	}
	// Steps 9 and 12: byte for byte. The library ignores case and a default port, which no browser sends.
	if !slices.Contains(origins, origin) {
		return factors.ReasonWrong
	}
	// Steps 10 and 13: no page may be framed. Anything but an absent member or false is refused.
	if v, there := c["crossOrigin"]; there && string(v) != "false" {
		return factors.ReasonWrong
	}
	// Steps 11 and 14.
	if _, there := c["topOrigin"]; there {
		return factors.ReasonWrong
	}
	return checkTokenBinding(c["tokenBinding"])
}

// checkTokenBinding checks a member that Level 3 has removed and that older browsers send. WebAuthn L2 §7.1 step 10: its
// state must be that of the connection, and no connection here has a token binding.
func checkTokenBinding(raw json.RawMessage) factors.Reason {
	if raw == nil {
		return factors.ReasonNone
	}
	var b *struct {
		Status string  `json:"status"`
		ID     *string `json:"id"`
	}
	if json.Unmarshal(raw, &b) != nil || b == nil {
		return factors.ReasonFormat
	}
	if b.ID != nil || (b.Status != "supported" && b.Status != "not-supported") {
		return factors.ReasonWrong
	}
	return factors.ReasonNone
}

// readObject decodes one JSON object. A repeated member, one of names in another case, and data after the object are errors.
func readObject(raw []byte, names []string) (map[string]json.RawMessage, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return nil, errors.New("not an object")
	}
	out := map[string]json.RawMessage{}
	for dec.More() {
		t, err := dec.Token()
		if err != nil {
			return nil, fmt.Errorf("reading a member's name: %w", err)
		}
		name, ok := t.(string)
		if _, twice := out[name]; !ok || twice {
			return nil, errors.New("repeated member")
		}
		if slices.ContainsFunc(names, func(n string) bool { return n != name && strings.EqualFold(n, name) }) {
			return nil, errors.New("member name in another case")
		}
		var v json.RawMessage
		if err := dec.Decode(&v); err != nil {
			return nil, fmt.Errorf("reading a member: %w", err)
		}
		out[name] = v
	}
	if _, err := dec.Token(); err != nil {
		return nil, fmt.Errorf("reading the end: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("data after the object")
	}
	return out, nil
}
