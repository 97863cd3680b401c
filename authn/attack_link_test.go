package authn_test

import (
	"testing"

	"barillet/authn"
	"barillet/authn/authntest"
	"barillet/internal/errcode"
	"barillet/internal/secret"
)

// TestStartWithPasswordLink_RejectsLinkFromBeforePasswordChange uses a link after the user chose another password.
func TestStartWithPasswordLink_RejectsLinkFromBeforePasswordChange(t *testing.T) {
	const mine, theirs = "sept chevaux dans un garage", "le mot de passe du voleur"
	tests := []struct {
		name   string
		change func(*testing.T, *testEnv, *authntest.Phone, secret.Value)
	}{
		{"by another link", func(t *testing.T, env *testEnv, p *authntest.Phone, _ secret.Value) {
			started, err := env.Authn.StartWithPasswordLink(t.Context(), env.From, env.mailedPasswordLink(), mine)
			must(t, err, "choosing")
			if v := env.verify(started.Secret, p.Next()); v.Step != authn.StepDone {
				t.Fatalf("got step %q", v.Step)
			}
		}},
		{"on the account's page", func(t *testing.T, env *testEnv, p *authntest.Phone, session secret.Value) {
			env.stepUp(session, p)
			_, err := env.Authn.ChangePassword(t.Context(), env.From, session, authntest.Password, mine)
			must(t, err, "changing the password")
		}},
		{"by signing out everywhere", func(t *testing.T, env *testEnv, _ *authntest.Phone, session secret.Value) {
			_, err := env.Sessions.RevokeOthers(t.Context(), env.From, session)
			must(t, err, "signing out everywhere")
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			env := newTestEnv(t)
			_, p, session := env.Member(amelie, nil)
			early := env.mailedPasswordLink()
			test.change(t, env, p, session)
			_, _, err := env.Authn.PasswordLink(t.Context(), early)
			wantCode(t, err, errcode.InvalidLink, "opening the earlier link")
			_, err = env.Authn.StartWithPasswordLink(t.Context(), env.From, early, theirs)
			wantCode(t, err, errcode.InvalidLink, "choosing by the earlier link")
			_, err = env.Authn.StartWithPasswordLink(t.Context(), env.From, env.mailedPasswordLink(), theirs)
			must(t, err, "choosing by a link that was requested afterwards")
		})
	}
}
