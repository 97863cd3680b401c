package webauthn

import (
	"strings"
	"testing"

	"github.com/go-webauthn/webauthn/protocol"

	"barillet/factors"
)

// The library checks some of this as well, so each check is tested alone.
func TestCheckClientData_RefusesEachWrongMember(t *testing.T) {
	const right = `{"type":"webauthn.get","challenge":"YQ","origin":"https://a.example"`
	for name, c := range map[string]struct {
		data string
		want factors.Reason
	}{
		"right":                           {right + `}`, factors.ReasonNone},
		"not framed":                      {right + `,"crossOrigin":false}`, factors.ReasonNone},
		"an unused token binding":         {right + `,"tokenBinding":{"status":"supported"}}`, factors.ReasonNone},
		"nothing":                         {``, factors.ReasonFormat},
		"more than an answer":             {right + `,"x":"` + strings.Repeat("x", maxAnswer) + `"}`, factors.ReasonFormat},
		"a byte order mark":               {"\xef\xbb\xbf" + right + `}`, factors.ReasonFormat},
		"no UTF-8":                        {right + ",\"x\":\"\xff\"}", factors.ReasonFormat},
		"a list":                          {`[` + right + `}]`, factors.ReasonFormat},
		"a text":                          {`"x"`, factors.ReasonFormat},
		"more after it":                   {right + `}{}`, factors.ReasonFormat},
		"a member twice":                  {right + `,"type":"webauthn.get"}`, factors.ReasonFormat},
		"a member in another case":        {right + `,"Type":"webauthn.create"}`, factors.ReasonFormat},
		"a type that is no text":          {strings.Replace(right, `"webauthn.get"`, `1`, 1) + `}`, factors.ReasonFormat},
		"no challenge":                    {strings.Replace(right, `"challenge":"YQ",`, ``, 1) + `}`, factors.ReasonFormat},
		"an answer of an enrolment":       {strings.Replace(right, `get`, `create`, 1) + `}`, factors.ReasonWrong},
		"another origin":                  {strings.Replace(right, `a.example`, `b.example`, 1) + `}`, factors.ReasonWrong},
		"an origin in another case":       {strings.Replace(right, `a.example`, `A.example`, 1) + `}`, factors.ReasonWrong},
		"a framed page":                   {right + `,"crossOrigin":true}`, factors.ReasonWrong},
		"a framed page of a text":         {right + `,"crossOrigin":"false"}`, factors.ReasonWrong},
		"a top page":                      {right + `,"topOrigin":"https://a.example"}`, factors.ReasonWrong},
		"a token binding":                 {right + `,"tokenBinding":{"status":"present","id":"x"}}`, factors.ReasonWrong},
		"an unused token binding of a ID": {right + `,"tokenBinding":{"status":"supported","id":"x"}}`, factors.ReasonWrong},
		"another token binding":           {right + `,"tokenBinding":{"status":"x"}}`, factors.ReasonWrong},
		"no token binding":                {right + `,"tokenBinding":null}`, factors.ReasonFormat},
		"a token binding of a text":       {right + `,"tokenBinding":"x"}`, factors.ReasonFormat},
	} {
		if got := checkClientData([]byte(c.data), "webauthn.get", []string{"https://a.example"}); got != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}

func TestCheckFlags_NeedsPresenceAndConsistentBackup(t *testing.T) {
	const present, verified, eligible, backedUp = protocol.FlagUserPresent, protocol.FlagUserVerified, protocol.FlagBackupEligible, protocol.FlagBackupState
	for name, c := range map[string]struct {
		flags protocol.AuthenticatorFlags
		uv    protocol.UserVerificationRequirement
		want  factors.Reason
	}{
		"present":                      {present, protocol.VerificationPreferred, factors.ReasonNone},
		"backed up":                    {present | eligible | backedUp, protocol.VerificationPreferred, factors.ReasonNone},
		"absent":                       {verified, protocol.VerificationPreferred, factors.ReasonWrong},
		"not verified":                 {present, protocol.VerificationRequired, factors.ReasonPIN},
		"verified":                     {present | verified, protocol.VerificationRequired, factors.ReasonNone},
		"backed up and yet not so":     {present | backedUp, protocol.VerificationPreferred, factors.ReasonWrong},
		"verified, backed up, not so":  {present | verified | backedUp, protocol.VerificationRequired, factors.ReasonWrong},
		"eligible for a backup, alone": {present | eligible, protocol.VerificationPreferred, factors.ReasonNone},
	} {
		if got := checkFlags(c.flags, string(c.uv)); got != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}
