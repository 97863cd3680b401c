package account

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"net/netip"
	"strings"
	"time"

	"barillet/internal/secret"
)

// RequestInfo is where a request comes from. The zero value is the house itself.
type RequestInfo struct {
	Address   netip.Addr   // of the client, after trusted proxies
	Agent     string       // User-Agent, cut to 256 bytes
	Browser   secret.Value // the known-browser cookie, empty without one
	RequestID string       // request id in the log
	Locale    string       // the page's language
	APIToken  string       // id of the API token by which a program signs people in; "": none does (PROTOCOL 25)
}

func (o RequestInfo) ClientAddress() string {
	if !o.Address.IsValid() {
		return ""
	}
	return o.Address.String()
}

// Operation is one thing being done: when, from where, and a store of randomness drawn beforehand, so that an
// Update closure can run twice and come to the same ids (PROTOCOL 31).
type Operation struct {
	Now     time.Time
	Request RequestInfo
	// SendAfter is the time before which no email of the operation is sent. Zero means immediately.
	SendAfter time.Time
	seed      [32]byte
}

// NewOperation opens an act at the service's time.
func (s *Service) NewOperation(req RequestInfo) *Operation {
	op := &Operation{Now: s.Now().UTC(), Request: req}
	if req.APIToken != "" {
		op.Request.Browser = secret.Value{} // no program is a known browser (PROTOCOL 25)
	}
	op.Request.Agent = cutUserAgent(req.Agent)
	rand.Read(op.seed[:])
	return op
}

// draw gives 32 bytes that depend on the act and the label alone.
func (op *Operation) draw(label string, n uint64) []byte {
	m := hmac.New(sha256.New, op.seed[:])
	m.Write(binary.BigEndian.AppendUint64(nil, n))
	m.Write([]byte(label))
	return m.Sum(nil)
}

// Secret is a bearer value of 256 bits, the same whenever this act asks for it by this label.
func (op *Operation) Secret(label string) secret.Value {
	return secret.From(base64.RawURLEncoding.EncodeToString(op.draw("secret "+label, 0)))
}

// ID is a record id of 128 bits, the same whenever this act asks for it by this label.
func (op *Operation) ID(label string) string {
	return strings.ToLower(idEncoding.EncodeToString(op.draw("id "+label, 0)[:16]))
}

var idEncoding = base32.StdEncoding.WithPadding(base32.NoPadding)

// Code is a short code: eight characters of Crockford's base32 in two groups, 40 bits (PROTOCOL 7).
func (op *Operation) Code(label string) secret.Value {
	const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	b := op.draw("code "+label, 0)
	out := make([]byte, 0, 9)
	for i := range 8 {
		if i == 4 {
			out = append(out, '-')
		}
		out = append(out, crockford[b[i]&31])
	}
	return secret.From(string(out))
}
