package authn_test

import (
	"testing"

	"barillet/authn"
	"barillet/authn/authntest"
	"barillet/internal/errcode"
	"barillet/internal/secret"
)

// TestAnEarlierLinkOutlivesThePassword: a link that somebody found in a mailbox is tried after its owner chose
// another password.
func TestAnEarlierLinkOutlivesThePassword(t *testing.T) {
	const mine, theirs = "sept chevaux dans un garage", "le mot de passe du voleur"
	tests := []struct {
		name   string
		change func(*testing.T, *house, *authntest.Phone, secret.Value)
	}{
		{"by another link", func(t *testing.T, h *house, p *authntest.Phone, _ secret.Value) {
			started, err := h.Authn.StartWithPasswordLink(t.Context(), h.From, h.forgot(), mine)
			do(t, err, "choosing")
			if v := h.verify(started.Secret, p.Next()); v.Step != authn.StepDone {
				t.Fatalf("got step %q", v.Step)
			}
		}},
		{"on the account's page", func(t *testing.T, h *house, p *authntest.Phone, session secret.Value) {
			h.prove(session, p)
			_, err := h.Authn.ChangePassword(t.Context(), h.From, session, authntest.Password, mine)
			do(t, err, "changing the password")
		}},
		{"by signing out everywhere", func(t *testing.T, h *house, _ *authntest.Phone, session secret.Value) {
			_, err := h.Sessions.RevokeOthers(t.Context(), h.From, session)
			do(t, err, "signing out everywhere")
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			h := newHouse(t)
			_, p, session := h.Member(amelie, nil)
			early := h.forgot()
			test.change(t, h, p, session)
			_, _, err := h.Authn.PasswordLink(t.Context(), early)
			refused(t, err, errcode.InvalidLink, "opening the earlier link")
			_, err = h.Authn.StartWithPasswordLink(t.Context(), h.From, early, theirs)
			refused(t, err, errcode.InvalidLink, "choosing by the earlier link")
			_, err = h.Authn.StartWithPasswordLink(t.Context(), h.From, h.forgot(), theirs)
			do(t, err, "choosing by a link that was asked for afterwards")
		})
	}
}
