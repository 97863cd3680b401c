package audit

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"

	"golang.org/x/mod/sumdb/tlog"
)

// This file defines the leaf of an event in the Merkle tree of the log (package internal/audit/tree). The encoding does not
// depend on how records are stored, and it never changes: a new one gets a new version.
//
//	leaf       = SHA-256(0x00 ‖ version ‖ lane ‖ text(id) ‖ SHA-256(bodyDomain ‖ body)), the record hash of RFC 6962 §2.1
//	body       = version ‖ text(action) ‖ text(outcome) ‖ text(reason) ‖ text(actor.type) ‖ text(actor.id) ‖ secret(actor.name)
//	             ‖ text(subject) ‖ secret(subject_name) ‖ number of targets ‖ for each: text(type) ‖ text(id) ‖ secret(target.N.name)
//	             ‖ secret(address) ‖ secret(agent) ‖ text(session) ‖ text(request)
//	             ‖ number of details ‖ for each, in the order of the keys: text(key) ‖ secret(detail.KEY)
//	text(t)    = number of bytes ‖ t
//	secret(f)  = 0x00 if the value is empty, or 0x01 ‖ SHA-256(commitmentDomain ‖ salt ‖ text(name of f) ‖ text(value))
//
// Version and lane are one byte, numbers are four bytes (big endian), N counts from 0. Names, addresses, User-Agents and details
// can identify a user. The leaf has only commitments to them, so it reveals nothing when the salt is deleted. Ids stay: they are
// pseudonyms.
const (
	leafVersion      = 1
	bodyDomain       = "barillet audit body 1\n"
	commitmentDomain = "barillet audit commitment 1\n"

	saltSize = 16
)

// Pending is an event whose leaf has no number yet, as it is stored.
type Pending struct {
	Hash   tlog.Hash `cbor:"1,keyasint"` // of the leaf
	Record Record    `cbor:"2,keyasint"` // with the lane of the leaf
}

// Leaf is what is stored about a leaf beside its hash, which is in a tile: in the Record of its event, and by itself after DropBody.
type Leaf struct {
	Number int64 `cbor:"1,keyasint"`
	Lane   Lane  `cbor:"2,keyasint,omitempty"` // the lane of the event when it was appended
	// Body is the digest of the body of an event that DropBody deleted, or nil while the event exists.
	Body *tlog.Hash `cbor:"3,keyasint,omitempty"`
}

// Hash returns the hash of the leaf. e is the event, or nil if it was deleted and the digest of its body is kept.
func (l Leaf) Hash(id string, e *Event) (tlog.Hash, error) {
	if (e == nil) != (l.Body != nil) {
		return tlog.Hash{}, errors.New("a leaf needs either an event or the digest of its body")
	}
	if e == nil {
		return leafHash(id, l.Lane, *l.Body), nil
	}
	if at, err := parseID(id); err != nil || !at.Equal(e.At) {
		return tlog.Hash{}, fmt.Errorf("%w: it has another time than its id", errBody)
	}
	body, err := e.bodyDigest()
	if err != nil {
		return tlog.Hash{}, err
	}
	return leafHash(id, l.Lane, body), nil
}

func leafHash(id string, lane Lane, body tlog.Hash) tlog.Hash {
	data := make([]byte, 0, 160)
	data = appendText(append(data, 0, leafVersion, byte(lane)), id)
	return sha256.Sum256(append(data, body[:]...))
}

// salt returns the salt of an event. It is the same in each run of an Update, and cannot be computed after the process ended.
func (l Log) salt(id string) []byte {
	var buffer [128]byte
	sum := sha256.Sum256(append(append(buffer[:0], l.salts[:]...), id...)) // truncated: a length extension needs the whole hash
	return sum[:saltSize]
}

// errBody is wrapped by the error for an event that has no body.
var errBody = errors.New("malformed event")

// encoders keeps the buffers of encoders: verification encodes each event of the log.
var encoders = sync.Pool{New: func() any { return new(bodyEncoder) }}

func (e *Event) bodyDigest() (tlog.Hash, error) {
	enc := encoders.Get().(*bodyEncoder)
	defer encoders.Put(enc)
	*enc = bodyEncoder{event: e, out: append(enc.out[:0], bodyDomain...), scratch: enc.scratch, keys: enc.keys}
	err := enc.encode()
	enc.event = nil
	clear(enc.keys)
	if err != nil {
		return tlog.Hash{}, fmt.Errorf("%w: %w", errBody, err)
	}
	return sha256.Sum256(enc.out), nil
}

// bodyEncoder encodes an event after bodyDomain.
type bodyEncoder struct {
	event   *Event
	out     []byte
	scratch []byte
	keys    []string
	erased  int // commitments of an erased event that were used
	err     error
}

func (enc *bodyEncoder) encode() error {
	e := enc.event
	if e.Erased == nil && len(e.Salt) != saltSize {
		return errors.New("the salt is missing")
	}
	if e.Erased != nil && len(e.Salt) != 0 {
		return errors.New("an erased event has a salt")
	}
	enc.out = append(enc.out, leafVersion)
	enc.text(e.Action, e.Outcome, e.Reason, e.Actor.Type, e.Actor.ID)
	enc.secret("actor.name", e.Actor.Name)
	enc.text(e.Subject)
	enc.secret("subject_name", e.SubjectName)
	enc.number(len(e.Targets))
	for i, t := range e.Targets {
		enc.text(t.Type, t.ID)
		enc.secret(targetName(i), t.Name)
	}
	enc.secret("address", e.Address)
	enc.secret("agent", e.Agent)
	enc.text(e.Session, e.Request)
	enc.number(len(e.Detail))
	enc.keys = slices.AppendSeq(enc.keys[:0], maps.Keys(e.Detail))
	slices.Sort(enc.keys)
	for _, key := range enc.keys {
		enc.text(key)
		enc.secret(detailName(key), e.Detail[key])
	}
	if enc.err == nil && enc.erased != len(e.Erased) {
		return errors.New("an erased event has a commitment to an unknown field")
	}
	return enc.err
}

func targetName(i int) string      { return "target." + strconv.Itoa(i) + ".name" }
func detailName(key string) string { return "detail." + key }

func (enc *bodyEncoder) text(values ...string) {
	for _, v := range values {
		enc.out = appendText(enc.out, v)
	}
}

func (enc *bodyEncoder) number(n int) { enc.out = binary.BigEndian.AppendUint32(enc.out, uint32(n)) }

// secret appends the commitment to a field. It does not store the commitment of an erased event anew: the value is gone.
func (enc *bodyEncoder) secret(name, value string) {
	kept, erased := enc.event.Erased[name]
	switch {
	case erased && value != "":
		enc.err = fmt.Errorf("an erased event has a value of %s", name)
	case erased:
		enc.erased++
		enc.out = append(append(enc.out, 1), kept[:]...)
	case value == "":
		enc.out = append(enc.out, 0)
	case enc.event.Erased != nil:
		enc.err = fmt.Errorf("an erased event has a value of %s", name)
	default:
		sum := enc.commitment(name, value)
		enc.out = append(append(enc.out, 1), sum[:]...)
	}
}

func (enc *bodyEncoder) commitment(name, value string) tlog.Hash {
	enc.scratch = append(append(enc.scratch[:0], commitmentDomain...), enc.event.Salt...)
	enc.scratch = appendText(appendText(enc.scratch, name), value)
	return sha256.Sum256(enc.scratch)
}

func appendText(out []byte, text string) []byte {
	return append(binary.BigEndian.AppendUint32(out, uint32(len(text))), text...)
}

// erase replaces each value that can identify a user by its commitment, and removes the salt.
func (e *Event) erase() {
	enc, erased := bodyEncoder{event: e}, map[string]tlog.Hash{}
	hide := func(name, value string) string {
		if value != "" {
			erased[name] = enc.commitment(name, value)
		}
		return ""
	}
	e.Actor.Name = hide("actor.name", e.Actor.Name)
	e.SubjectName = hide("subject_name", e.SubjectName)
	e.Targets = slices.Clone(e.Targets)
	for i := range e.Targets {
		e.Targets[i].Name = hide(targetName(i), e.Targets[i].Name)
	}
	e.Address, e.Agent = hide("address", e.Address), hide("agent", e.Agent)
	e.Detail = maps.Clone(e.Detail)
	for key, value := range e.Detail {
		e.Detail[key] = hide(detailName(key), value)
	}
	e.Salt, e.Erased = nil, erased
}
