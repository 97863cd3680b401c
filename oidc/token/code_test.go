package token_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"barillet/authn/account"
	"barillet/internal/audit"
	"barillet/internal/secret"
	"barillet/oidc/client"
	"barillet/oidc/token"
	"barillet/store"
	"barillet/store/storetest"
)

func TestRedeem_RejectsAlteredCode(t *testing.T) {
	e := newEnv(t)
	r, other := e.code("code-1"), e.code("code-2")
	sealed, _, _ := strings.Cut(r.Code.Reveal(), ".")
	_, of, _ := strings.Cut(other.Code.Reveal(), ".")
	flipped := []byte(sealed)
	flipped[len(flipped)/2] ^= 1
	for name, value := range map[string]string{
		"empty": "", "a secret alone": of, "a seal alone": sealed + ".", "no seal": "." + of, "the seal of another code": sealed + "." + of,
		"a changed seal": string(flipped) + ".code-1", "a cut seal": sealed[:len(sealed)-4] + ".code-1", "other characters": "é." + of,
		"more": r.Code.Reveal() + ".x",
	} {
		altered := r
		altered.Code = secret.From(value)
		if out, err := e.tokens.Redeem(t.Context(), account.RequestInfo{}, e.client, altered); err == nil || out != nil {
			t.Errorf("%s: got %v, %v", name, out, err)
		}
	}
	e.redeem(r)
	e.redeem(other)
}

// A code that nobody redeems leaves no record, and one that is not genuine or too old neither.
func TestRedeem_StoresWhatIsSpentOnly(t *testing.T) {
	e := newEnv(t)
	count := func() int {
		t.Helper()
		got, err := storetest.Count(t.Context(), e.Store)
		if err != nil {
			t.Fatal(err)
		}
		return got[store.Codes.Prefix]
	}
	late, r := e.code("code-1"), e.code("code-2")
	e.wantRefused(e.tokens.Redeem(t.Context(), account.RequestInfo{}, e.client, token.Redemption{Code: secret.From("AAAA.code-3"), Redirect: redirect, Verifier: verifier}))
	if n := count(); n != 0 {
		t.Errorf("before the first use: got %d records, want 0", n)
	}
	e.redeem(r)
	e.Clock.Advance(token.CodeTTL)
	e.wantRefused(e.tokens.Redeem(t.Context(), account.RequestInfo{}, e.client, late))
	if n := count(); n != 1 {
		t.Errorf("after one use: got %d records, want 1", n)
	}
}

// A code names its own times, so the record of its use must last at least as long: also if the clock was wrong when it was made.
func TestRedeem_CodeStaysUsedWhenTheClockIsSetBack(t *testing.T) {
	e := newEnv(t)
	refused, used, ahead := e.code("code-1"), e.code("code-2"), e.code("code-3")
	wrong := refused
	wrong.Verifier = challenge
	e.wantRefused(e.tokens.Redeem(t.Context(), account.RequestInfo{}, e.client, wrong))
	first := e.redeem(used)
	const back = 3 * time.Hour
	e.Clock.Advance(-back)
	e.wantRefused(e.tokens.Redeem(t.Context(), account.RequestInfo{}, e.client, ahead))
	e.wantActive(e.client, first.Access, true)
	for range 6 {
		if err := storetest.Sweep(t.Context(), e.Store, e.tokens.Sweeps()...); err != nil {
			t.Fatal(err)
		}
		e.Clock.Advance(back / 6)
	}
	e.Clock.Advance(token.CodeTTL / 2)
	for _, r := range []token.Redemption{refused, used} {
		e.wantRefused(e.tokens.Redeem(t.Context(), account.RequestInfo{}, e.client, r))
	}
}

// TestAttack_RefusedCodeAfterASweepAheadOfTime: the clock is fast when the sweep runs, and is then set right. The code has not
// expired by it, and the record of its use must still be there.
func TestAttack_RefusedCodeAfterASweepAheadOfTime(t *testing.T) {
	e := newEnv(t)
	r := e.code("code-1")
	wrong := r
	wrong.Verifier = challenge
	e.wantRefused(e.tokens.Redeem(t.Context(), account.RequestInfo{}, e.client, wrong))
	const fast = 40 * time.Minute
	e.Clock.Advance(fast)
	if err := storetest.Sweep(t.Context(), e.Store, e.tokens.Sweeps()...); err != nil {
		t.Fatal(err)
	}
	e.Clock.Advance(token.CodeTTL/2 - fast)
	e.wantRefused(e.tokens.Redeem(t.Context(), account.RequestInfo{}, e.client, r))
}

// A code that was stolen may be used long after it expired: its grant ends then too, as long as it exists.
func TestRedeem_EndsTheGrantOfACodeThatIsUsedAgainMuchLater(t *testing.T) {
	e := newEnv(t)
	r := e.code("code-1")
	out := e.redeem(r)
	e.Clock.Advance(2 * time.Hour)
	if err := storetest.Sweep(t.Context(), e.Store, e.tokens.Sweeps()...); err != nil {
		t.Fatal(err)
	}
	out = e.mustRefresh(out.Refresh)
	e.wantActive(e.client, out.Access, true)
	e.wantRefused(e.tokens.Redeem(t.Context(), account.RequestInfo{}, e.client, r))
	e.wantActive(e.client, out.Access, false)
}

// The event of a sign-in at a client is that of the browser, although the client redeems the code from an address of its own. A refusal
// is recorded too: somebody may have stolen the code.
func TestRedeem_RecordsTheBrowserOfTheSignIn(t *testing.T) {
	e := newEnv(t)
	e.redeem(e.code("code-1"))
	stolen := e.code("code-2")
	stolen.Verifier = challenge
	e.wantRefused(e.tokens.Redeem(t.Context(), e.From, e.client, stolen))
	events := e.Events(audit.AppSignIn)
	if len(events) != 2 {
		t.Fatalf("got events %+v, want two", events)
	}
	for _, ev := range events {
		if ev.Subject != string(e.session.User) || ev.Address != "192.0.2.77" || ev.Agent != "Browser" || ev.Request != "r-1" || ev.Targets[0].ID != string(e.client.ID) {
			t.Errorf("got event %+v", ev)
		}
	}
	slices.SortFunc(events, func(a, b audit.Entry) int { return strings.Compare(a.Outcome, b.Outcome) })
	if events[0].Outcome != audit.Failure || events[0].Reason == "" || events[1].Outcome != audit.Success {
		t.Errorf("got outcomes %q (%q) and %q", events[0].Outcome, events[0].Reason, events[1].Outcome)
	}
}

// A browser brings the code back in an address, and servers limit its length.
func TestSealCode_IsBelow4KiBAtEveryLimit(t *testing.T) {
	e := newEnv(t)
	now, long := e.Clock.Now(), strings.Repeat("x", 1024)
	auth := token.NewAuthContext(&e.session)
	auth.Login = long[:320]
	code, err := e.tokens.SealCode(e.Accounts.NewOperation(e.From).Secret("code"), token.AuthorizationCode{Client: e.client.ID, Redirect: long, Challenge: challenge,
		Nonce: long[:512], Scopes: client.Scopes, UserinfoClaims: token.ClaimNames(), IDTokenClaims: token.ClaimNames(), AuthContext: auth, Address: long[:45],
		Agent: long[:256], Request: long[:64], Created: now, Expires: now.Add(token.CodeTTL)})
	if n := len(code.Reveal()); err != nil || n > 4<<10 {
		t.Errorf("got %d bytes, %v, want at most 4,096", n, err)
	} else {
		t.Logf("%d bytes", n)
	}
	if n := len(e.code("code-1").Code.Reveal()); n > 1<<10 {
		t.Errorf("a usual code: got %d bytes, want at most 1,024", n)
	} else {
		t.Logf("%d bytes", n)
	}
}

// A code stands in its value alone, and the record of its use does not exist yet: of requests at once, one stores it.
func TestRedeem_AcceptsOneOfParallelRequests(t *testing.T) {
	e := newEnv(t)
	r := e.code("code-1")
	got := e.parallel(func() (*token.Response, error) {
		return e.tokens.Redeem(t.Context(), account.RequestInfo{}, e.client, r)
	})
	if len(got) != 1 {
		t.Fatalf("got %d responses with tokens, want 1", len(got))
	}
	e.wantActive(e.client, got[0].Access, false) // another request used the code after it
}
