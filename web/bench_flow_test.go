package web_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/url"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"barillet/authn/authntest"
	"barillet/internal/audit"
	"barillet/oidc"
	"barillet/oidc/client"
)

// BenchmarkFlow is an OpenID Connect flow of a signed-in user by RS256, with a durable code and durable tokens, beside the same by
// ES256. x-limit compares it with the time of an ES256 flow and of an RSA signature together.
func BenchmarkFlow(b *testing.B) {
	clients := map[string]client.Information{}
	s := openStage(b, func(p *authntest.Population) {
		a := p.Accounts
		provider, err := oidc.New(oidc.Config{Store: a.Store, Keyring: p.Ring, Pepper: a.Pepper, Accounts: a, Sessions: p.Sessions, Issuer: "https://login.example", Now: a.Now})
		if err != nil {
			b.Fatal(err)
		}
		no := false
		for _, alg := range []string{"RS256", "ES256"} {
			clients[alg], err = provider.Clients.Register(b.Context(), client.Registrar{Actor: audit.Actor{Type: audit.TypeToken, ID: "token:1", Name: "tests"}},
				client.Registration{Name: "Planning " + alg, Redirects: []string{flowTarget}, Consent: &no, Alg: alg})
			if err != nil {
				b.Fatal(err)
			}
		}
	})
	flows := func(alg string) side {
		return side{alg, s.onCopy(func(*testing.B) job { return s.flows(clients[alg]) })}
	}
	es, signatures := flows("ES256"), []float64{}
	onCopy := es.leg
	es.leg = func(b *testing.B) (*server, job) { // in each round, because a host does not stay as fast as it is
		signatures = append(signatures, rsaSignatures(b))
		return onCopy(b)
	}
	t := compare(b, 8, legTime(), flows("RS256"), es)
	slices.Sort(signatures)
	limit := 1 / (1/median(t["ES256"], tally.rate) + 1/signatures[len(signatures)/2])
	b.ReportMetric(median(t["RS256"], tally.rate)/limit, "x-limit")
}

const flowTarget = "https://app.example/cb"

// flows are flows of each user with a session in turn, from many networks, because one may redeem few codes in a minute.
func (s *stage) flows(c client.Information) job {
	verifier := oauth2.GenerateVerifier()
	ask := url.Values{"client_id": {string(c.ID)}, "redirect_uri": {flowTarget}, "response_type": {"code"}, "scope": {"openid email"}, "state": {"s"},
		"nonce": {"n"}, "code_challenge": {oauth2.S256ChallengeFromVerifier(verifier)}, "code_challenge_method": {"S256"}}
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte(url.QueryEscape(string(c.ID))+":"+url.QueryEscape(c.Secret)))
	redeem := url.Values{"grant_type": {"authorization_code"}, "redirect_uri": {flowTarget}, "code_verifier": {verifier}}
	j := job{Rate: true, Repeat: true}
	for i, cookie := range s.sessions {
		from := fmt.Sprintf("198.%d.%d.1", 18+i/256%2, i%256) // RFC 2544 appendix C.2.2
		j.Acts = append(j.Acts, act{
			{Method: "GET", Path: oidc.PathAuthorize + "?" + ask.Encode(), Cookie: cookie, To: flowTarget + "?", From: from},
			{Method: "POST", Path: oidc.PathToken, Header: map[string]string{"Authorization": basic}, Form: redeem.Encode(), WithCode: true, From: from},
		})
	}
	return j
}

// rsaSignatures returns how many RS256 signatures a second this machine makes with all cores.
func rsaSignatures(b *testing.B) float64 {
	b.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		b.Fatal(err)
	}
	digest := sha256.Sum256([]byte("barillet"))
	var made atomic.Int64
	var all sync.WaitGroup
	began := time.Now()
	for range runtime.GOMAXPROCS(0) {
		all.Go(func() {
			for time.Since(began) < legTime() {
				if _, err := key.Sign(rand.Reader, digest[:], crypto.SHA256); err != nil {
					b.Error(err)
				}
				made.Add(1)
			}
		})
	}
	all.Wait()
	return float64(made.Load()) / time.Since(began).Seconds()
}
