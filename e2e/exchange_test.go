package e2e_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// atOnce is how many exchanges of one code or refresh token are sent at the same moment.
const atOnce = 24

// exchanger is an application as the token endpoint meets it, and a person who is signed in.
type exchanger struct {
	*Env
	app    registered
	person *Visitor
	back   string // where its codes go; nothing listens there
	client http.Client
}

func openExchanger(t *testing.T) *exchanger {
	t.Helper()
	// Each exchange waits on a connection that is open already, so that all of them come at the same moment.
	e := &exchanger{Env: Open(t, EnvOptions{}), back: "http://127.0.0.1:9/cb",
		client: http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: atOnce}, Timeout: patience}}
	t.Cleanup(e.client.CloseIdleConnections)
	e.app = e.application(t, "http://127.0.0.1:9", map[string]any{"barillet_consent": false})
	e.person = e.Member(t, "lea@garage.example").Visitor
	e.person.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return e
}

// code has the person go to the application, and gives the code that it is sent.
func (e *exchanger) code(t *testing.T) string {
	t.Helper()
	sum := sha256.Sum256([]byte(strings.Repeat("v", 43)))
	page := e.person.Get("/oauth2/v1/authorize?" + url.Values{"client_id": {e.app.ID}, "redirect_uri": {e.back}, "response_type": {"code"},
		"scope": {"openid offline_access"}, "code_challenge_method": {"S256"}, "code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}}.Encode())
	to, err := url.Parse(page.Header.Get("Location"))
	if err != nil || to.Query().Get("code") == "" {
		t.Fatalf("got %d to %q, want a code", page.Status, page.Header.Get("Location"))
	}
	return e.Secret("code", to.Query().Get("code"))
}

// answered is what the token endpoint said; the zero value: nothing came.
type answered struct {
	Status  int    `json:"-"`
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
	Error   string `json:"error"`
}

func (e *exchanger) exchange(code string) answered {
	return e.ask("/oauth2/v1/token", url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {e.back},
		"code_verifier": {strings.Repeat("v", 43)}})
}

func (e *exchanger) refresh(token string) answered {
	return e.ask("/oauth2/v1/token", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}})
}

// alive reports whether an access token is active.
func (e *exchanger) alive(t *testing.T, token string) bool {
	t.Helper()
	var told struct {
		Active *bool `json:"active"`
	}
	raw, status, err := e.send("/oauth2/v1/introspect", url.Values{"token": {token}})
	if err != nil || status != http.StatusOK || json.Unmarshal(raw, &told) != nil || told.Active == nil {
		t.Fatalf("introspecting: got %d %s %v", status, raw, err)
	}
	return *told.Active
}

func (e *exchanger) ask(path string, form url.Values) answered {
	raw, status, err := e.send(path, form)
	if err != nil {
		return answered{}
	}
	a := answered{}
	if json.Unmarshal(raw, &a) != nil {
		a.Error = string(raw)
	}
	a.Status = status
	for name, secret := range map[string]string{"access token": a.Access, "refresh token": a.Refresh} {
		if secret != "" {
			e.Secret(name, secret)
		}
	}
	return a
}

func (e *exchanger) send(path string, form url.Values) ([]byte, int, error) {
	r, err := http.NewRequest(http.MethodPost, e.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, 0, err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(e.app.ID, e.app.Secret)
	w, err := e.client.Do(r)
	if err != nil {
		return nil, 0, err
	}
	defer w.Body.Close()
	raw, err := io.ReadAll(w.Body)
	return raw, w.StatusCode, err
}

// race does the same so many times at the same moment, and gives those who were given tokens and those who were refused
// with invalid_grant. Nothing came for the rest.
func race(do func() answered) (given, refused []answered, cut int) {
	answers := make([]answered, atOnce)
	start := make(chan struct{})
	var all sync.WaitGroup
	for i := range answers {
		all.Go(func() {
			<-start
			answers[i] = do()
		})
	}
	close(start)
	all.Wait()
	for _, a := range answers {
		switch {
		case a.Status == http.StatusOK && a.Access != "" && a.Refresh != "":
			given = append(given, a)
		case a.Status == http.StatusBadRequest && a.Error == "invalid_grant":
			refused = append(refused, a)
		case a.Status == 0:
			cut++
		}
	}
	return given, refused, cut
}

func TestExchange_OneCodeConcurrently(t *testing.T) {
	t.Parallel()
	e := openExchanger(t)
	code := e.code(t)
	given, refused, _ := race(func() answered { return e.exchange(code) })
	if len(given) != 1 || len(refused) != atOnce-1 {
		t.Fatalf("got %d token sets and %d refusals of %d, want 1 and the rest", len(given), len(refused), atOnce)
	}
	// A code that is used twice may be stolen, so all its tokens end (RFC 6749 §4.1.2).
	if e.alive(t, given[0].Access) || e.refresh(given[0].Refresh).Status != http.StatusBadRequest {
		t.Error("the tokens of a code that was used twice are alive")
	}
}

func TestExchange_OneRefreshTokenConcurrently(t *testing.T) {
	t.Parallel()
	e := openExchanger(t)
	first := e.exchange(e.code(t))
	given, refused, _ := race(func() answered { return e.refresh(first.Refresh) })
	if len(given) != atOnce {
		t.Fatalf("got %d token sets and %d refusals of %d, want one branch for all", len(given), len(refused), atOnce)
	}
	for _, a := range given {
		if a.Refresh != given[0].Refresh {
			t.Fatal("two branches came of one refresh token")
		}
	}
	// Within ten seconds a repeat means a lost response, later it means theft (protocol rule 29).
	second := e.refresh(given[0].Refresh)
	if !e.alive(t, given[0].Access) || second.Status != http.StatusOK {
		t.Fatalf("the family is dead after refreshes at the same moment: got %d %s", second.Status, second.Error)
	}
	e.Clock.Advance(11 * time.Second)
	if a := e.refresh(first.Refresh); a.Error != "invalid_grant" {
		t.Errorf("a used token eleven seconds later: got %d %s", a.Status, a.Error)
	}
	if e.alive(t, second.Access) || e.refresh(second.Refresh).Error != "invalid_grant" {
		t.Error("a used token came back after eleven seconds, and its family lives")
	}
}

// TestExchange_SurvivesKill kills the program between issue and use, and in the
// middle of use.
func TestExchange_SurvivesKill(t *testing.T) {
	t.Parallel()
	e := openExchanger(t)
	killed := func() {
		e.Kill()
		e.client.CloseIdleConnections()
		e.Restart()
	}
	code := e.code(t)
	killed()
	first := e.exchange(code)
	if first.Status != http.StatusOK {
		t.Fatalf("a code that was told before a kill: got %d %s", first.Status, first.Error)
	}
	killed()
	if !e.alive(t, first.Access) {
		t.Error("an access token that was told before a kill is dead")
	}
	second := e.refresh(first.Refresh)
	if second.Status != http.StatusOK {
		t.Fatalf("a refresh token that was told before a kill: got %d %s", second.Status, second.Error)
	}
	killed()
	if a := e.refresh(first.Refresh); a.Refresh != second.Refresh {
		t.Errorf("a refresh token whose answer a kill cut off: got %d %q, want the same successor", a.Status, a.Error)
	}
	e.Clock.Advance(11 * time.Second)
	if a := e.refresh(first.Refresh); a.Error != "invalid_grant" {
		t.Errorf("a refresh token used before a kill: got %d %q, want invalid_grant", a.Status, a.Error)
	}
	if a := e.exchange(code); a.Error != "invalid_grant" {
		t.Errorf("a code used before two kills: got %d %q, want invalid_grant", a.Status, a.Error)
	}
	told, unanswered := 0, 0
	for round := range 6 {
		code := e.code(t)
		var before []answered
		var cut int
		var racing sync.WaitGroup
		racing.Go(func() { before, _, cut = race(func() answered { return e.exchange(code) }) })
		<-time.After(time.Duration(round*4) * time.Millisecond)
		e.Kill()
		racing.Wait()
		e.client.CloseIdleConnections()
		e.Restart()
		after, refused, _ := race(func() answered { return e.exchange(code) })
		if len(before)+len(after) > 1 || len(before)+len(after)+cut == 0 || len(after)+len(refused) != atOnce {
			t.Errorf("a code in a kill: %d token sets before, %d after, %d refused after", len(before), len(after), len(refused))
		}
		told, unanswered = told+len(before), unanswered+cut
	}
	t.Logf("%d token sets told before a kill, %d exchanges cut off", told, unanswered)
	if unanswered == 0 {
		t.Error("no exchange was cut off: nothing is proven")
	}
	e.Stop()
	checkStore(t, filepath.Join(e.Data, "barillet.db"))
	e.Restart()
}
