package account

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"hash"
	"net/netip"
	"strings"
	"time"

	"barillet/internal/input"
	"barillet/internal/secret"
)

// RequestInfo describes the client of a request. The zero value means the service itself.
type RequestInfo struct {
	Address   netip.Addr   // of the client, after trusted proxies
	Agent     string       // User-Agent, cut to 256 bytes
	Browser   secret.Value // known-browser cookie; zero: none
	RequestID string       // id of the request in the log
	Locale    string       // language of the page
	APIToken  string       // id of the API token, for an API sign-in (protocol rule 25); "": a browser
	Reason    string       // that an administrator states for an operation on another user, for the events; "": none
}

// ClientAddress returns the address as text; "" if it is not known.
func (r RequestInfo) ClientAddress() string {
	if !r.Address.IsValid() {
		return ""
	}
	return r.Address.String()
}

// Operation is one request or background task. It has a time and a random seed, so that an Update closure that runs twice
// makes the same ids and secrets (protocol rule 31).
type Operation struct {
	Now     time.Time
	Request RequestInfo
	// SendAfter is the time before which no email of the operation is sent. Zero means immediately.
	SendAfter time.Time
	mac       hash.Hash       // keyed with the seed
	admitted  map[string]bool // whether Audit writes an event, by its record id, so that a repeated run decides the same
}

// NewOperation returns an operation at the present time of the service.
func (s *Service) NewOperation(req RequestInfo) *Operation {
	op := &Operation{Now: s.Now().UTC().Truncate(time.Microsecond), Request: req} // as records keep it
	if req.APIToken != "" {
		op.Request.Browser = secret.Value{} // an API sign-in has no known browser (protocol rule 25)
	}
	op.Request.Agent = input.CutUserAgent(req.Agent)
	var seed [32]byte
	rand.Read(seed[:])
	op.mac = hmac.New(sha256.New, seed[:])
	return op
}

// draw returns 32 bytes that depend only on the seed, the label and n.
func (o *Operation) draw(label string, n uint64) []byte {
	o.mac.Reset()
	var buffer [64]byte
	o.mac.Write(append(binary.BigEndian.AppendUint64(buffer[:0], n), label...))
	return o.mac.Sum(nil)
}

// Secret returns a secret of 192 random bits with the time of the operation. It is the same for each call with the same label.
func (o *Operation) Secret(label string) secret.Value {
	return secret.Dated(o.Now, [24]byte(o.draw("secret "+label, 0)))
}

// ID returns a record id of 128 bits. It is the same for each call with the same label.
func (o *Operation) ID(label string) string {
	return strings.ToLower(idEncoding.EncodeToString(o.draw("id "+label, 0)[:16]))
}

var idEncoding = base32.StdEncoding.WithPadding(base32.NoPadding)

// Code returns a short code of 40 bits: eight characters of Crockford's base32 in two groups (protocol rule 7).
func (o *Operation) Code(label string) secret.Value {
	b := o.draw("code "+label, 0)
	out := make([]byte, 0, 9)
	for i := range 8 {
		if i == 4 {
			out = append(out, '-')
		}
		out = append(out, secret.ShortCodeAlphabet[b[i]&31])
	}
	return secret.From(string(out))
}
