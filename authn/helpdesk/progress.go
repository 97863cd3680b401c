package helpdesk

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/json"
	"slices"
	"time"

	"barillet/authn/account"
	"barillet/internal/errcode"
)

// ProgressTTL is how long a browser follows the texts that it sent.
const ProgressTTL = 30 * 24 * time.Hour

// maxFollowed is the maximum number of texts that a browser follows.
const maxFollowed = 5

// followedText is a text that a browser sent. The browser keeps it sealed, so an unauthenticated client causes no record.
type followedText struct {
	Reference string `json:"r"`
	At        int64  `json:"t"` // in seconds
	// User is the user whose password was proven, and whose login was typed; "": not proven. Then the browser learns nothing of the
	// request, which would show whether the address is known (protocol rule 19).
	User          account.UserID `json:"u,omitempty"`
	PasswordEpoch uint64         `json:"p,omitempty"`
}

// Progress is what a browser may know of a text that it sent.
type Progress struct {
	Reference string
	At        time.Time
	State     State // of the request; "": received, and no more is shown
}

// SubmitAndFollow is Submit for a browser that follows its texts. followed is what its cookie contains, or "". It returns the
// next content of the cookie.
func (s *Service) SubmitAndFollow(ctx context.Context, req account.RequestInfo, f Submission, followed string) (reference, next string, err error) {
	q, err := s.check(ctx, req, f)
	if err != nil {
		return "", "", err
	}
	if reference, err = s.submit(ctx, req, q); err != nil {
		return "", "", err
	}
	now := s.accounts.Now()
	t := followedText{Reference: reference, At: now.Unix()}
	if q.proven != "" {
		if err := s.accounts.View(ctx, func(r account.Reader) error { return t.prove(r, q) }); err != nil {
			return "", "", err
		}
	}
	all := append(s.openFollowed(followed, now), t)
	next, err = s.sealFollowed(all[max(0, len(all)-maxFollowed):])
	return reference, next, err
}

// prove notes the user of a sign-in whose login was typed. Another address of the user proves no more than an unknown one, or a
// guesser with the password could test which are theirs.
func (t *followedText) prove(r account.Reader, q checkedSubmission) error {
	t.User, t.PasswordEpoch = "", 0
	u, err := r.User(q.proven)
	if err == nil && u.Login == q.address {
		t.User, t.PasswordEpoch = u.ID, u.PasswordEpoch
	}
	if errcode.Of(err) == errcode.NotFound {
		return nil
	}
	return err
}

// Progress returns what a browser may know of the texts that it sent, the newest first. followed is the content of its cookie.
// It reads the store only for texts with a proven password, until that password changes.
func (s *Service) Progress(ctx context.Context, followed string) ([]Progress, error) {
	texts := s.openFollowed(followed, s.accounts.Now())
	slices.Reverse(texts)
	out := make([]Progress, len(texts))
	for i, t := range texts {
		out[i] = Progress{Reference: t.Reference, At: time.Unix(t.At, 0).UTC()}
		if t.User == "" {
			continue
		}
		err := s.accounts.View(ctx, func(r account.Reader) (err error) {
			out[i].State, err = s.stateFor(r, t)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// stateFor returns the state of the request of a text with a proven password; "" if it is not shown any more.
func (s *Service) stateFor(r account.Reader, t followedText) (State, error) {
	c, err := s.find(r.Raw, t.Reference)
	if err == nil && c.User != t.User {
		return "", nil
	}
	var u account.User
	if err == nil {
		u, err = r.User(t.User)
	}
	switch {
	case errcode.Of(err) == errcode.NotFound, err == nil && u.PasswordEpoch != t.PasswordEpoch:
		return "", nil
	case err != nil:
		return "", err
	}
	return c.State, nil
}

// sealFollowed returns texts as the content of a cookie.
func (s *Service) sealFollowed(texts []followedText) (string, error) {
	raw, err := json.Marshal(texts)
	if err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(s.followedCipher().Seal(nil, nil, raw, nil)), nil
}

// openFollowed returns the texts in a cookie that are not too old. It returns none if the cookie is not one of this service.
func (s *Service) openFollowed(followed string, now time.Time) []followedText {
	raw, err := base64.RawURLEncoding.DecodeString(followed)
	if err != nil || followed == "" {
		return nil
	}
	var texts []followedText
	raw, err = s.followedCipher().Open(nil, nil, raw, nil)
	if err != nil || json.Unmarshal(raw, &texts) != nil {
		return nil
	}
	return slices.DeleteFunc(texts, func(t followedText) bool { return now.Sub(time.Unix(t.At, 0)) >= ProgressTTL })
}

func (s *Service) followedCipher() cipher.AEAD {
	block, err := aes.NewCipher(s.accounts.Pepper.MAC("followed help requests"))
	if err != nil {
		panic(err) // the key has 32 bytes
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err) // the block has 16 bytes
	}
	return aead
}
