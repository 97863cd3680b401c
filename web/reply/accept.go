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

// problemMedia returns the media type of a problem document: that of RFC 9457, or application/json for a client that
// accepts it and not the other (RFC 9110 §12.5.1). Okta's client for Go, version 5, cannot read errors of another media
// type.
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

// rejected reports whether a weight excludes a media type (RFC 9110 §12.4.2).
func rejected(weight string) bool {
	q, err := strconv.ParseFloat(weight, 64)
	return err == nil && q == 0
}
