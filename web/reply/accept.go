package reply

import (
	"mime"
	"net/http"
	"strconv"
	"strings"
)

// The media types of a problem document. Its members are the same under both.
const (
	mediaProblem = "application/problem+json"
	mediaJSON    = "application/json"
)

// problemMedia is what a problem document is called: as in RFC 9457, but for a client that asks for application/json
// and does not name the other (RFC 9110 section 12.5.1). So do Okta's clients, and that for Go, version 5, reads no
// error under another name: it tells of an undefined response type, and of neither code nor reason.
func problemMedia(h http.Header) string {
	media := mediaProblem
	for entry := range strings.SplitSeq(strings.Join(h.Values("Accept"), ","), ",") {
		name, parameters, err := mime.ParseMediaType(entry)
		if err != nil || rejected(parameters["q"]) {
			continue
		}
		switch name {
		case mediaProblem:
			return mediaProblem
		case mediaJSON:
			media = mediaJSON
		}
	}
	return media
}

// rejected tells whether a weight says "not this" (RFC 9110 section 12.4.2).
func rejected(weight string) bool {
	q, err := strconv.ParseFloat(weight, 64)
	return err == nil && q == 0
}
