package doctor

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/netip"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"barillet/store"
	"barillet/store/bolt"
	"barillet/web/reply"
)

// The paths of the admin socket, and the header of the request that the witness waits for.
const (
	insidePath  = "/check/inside"
	witnessPath = "/check/witness"
	Header      = "Barillet-Check"
)

// Seen is how a request arrived at the service.
type Seen struct {
	Host      string     `json:"host"`
	Peer      string     `json:"peer"`      // address of the other end of the connection
	Client    netip.Addr `json:"client"`    // whom the service takes for the client
	Forwarded []string   `json:"forwarded"` // values of X-Forwarded-For
	TLS       bool       `json:"tls"`       // the service itself ended TLS
}

// Witness waits in a service for one request that has a nonce, and keeps how it arrived. So a check of the public URL knows that it
// leads to this service, and what a proxy adds. The zero value waits for none.
type Witness struct{ awaited atomic.Pointer[awaited] }

type awaited struct {
	nonce string
	seen  atomic.Pointer[Seen]
}

// await begins to wait for a request. It ends an earlier wait.
func (w *Witness) await() (nonce string) {
	a := &awaited{nonce: rand.Text()}
	w.awaited.Store(a)
	return a.nonce
}

// Note keeps a request if its nonce is awaited. It is called for each request of /healthz.
func (w *Witness) Note(r *http.Request) {
	a, nonce := w.awaited.Load(), r.Header.Get(Header)
	if a == nil || subtle.ConstantTimeCompare([]byte(nonce), []byte(a.nonce)) != 1 {
		return
	}
	a.seen.Store(&Seen{Host: r.Host, Peer: r.RemoteAddr, Client: reply.RequestFrom(r.Context()).Address, Forwarded: r.Header.Values("X-Forwarded-For"), TLS: r.TLS != nil})
}

// take ends the wait, and returns the request; nil if none came.
func (w *Witness) take() *Seen {
	if a := w.awaited.Swap(nil); a != nil {
		return a.seen.Load()
	}
	return nil
}

// Handler serves the checks of a service that runs to the operator on the admin socket, and passes all else to next.
func Handler(in *Inside, w *Witness, next http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+insidePath, func(out http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(out).SetWriteDeadline(time.Time{}) // the log may be long
		_ = reply.JSON(out, http.StatusOK, in.Check(r.Context()))
	})
	mux.HandleFunc("POST "+witnessPath, func(out http.ResponseWriter, _ *http.Request) { _ = reply.JSON(out, http.StatusOK, w.await()) })
	mux.HandleFunc("GET "+witnessPath, func(out http.ResponseWriter, _ *http.Request) { _ = reply.JSON(out, http.StatusOK, w.take()) })
	mux.Handle("/", next)
	return mux
}

// service is a service that runs, through its admin socket.
type service struct{ client *http.Client }

// findService connects to the admin socket. It returns nil if no service answers.
func (s *Setup) findService(ctx context.Context, r *Report) *service {
	conn, err := s.Dial(ctx)
	switch {
	case err == nil:
		conn.Close()
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, unix.ECONNREFUSED):
		r.skip("service.running", "the service does not run: systemctl start barillet")
		return nil
	default:
		r.fail("service.running", "run this command as root, or as the user of the service", "connecting to the admin socket: %v", err)
		return nil
	}
	found := &service{&http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return s.Dial(ctx) }}}}
	r.ok("service.running", "the service runs")
	return found
}

// call sends a request to the admin socket.
func (v *service) call(ctx context.Context, method, path string, out any) error {
	req, err := http.NewRequestWithContext(ctx, method, "http://localhost"+path, nil)
	if err != nil {
		return err
	}
	got, err := v.client.Do(req)
	if err != nil {
		return fmt.Errorf("asking the service: %w", err)
	}
	defer got.Body.Close()
	if got.StatusCode != http.StatusOK {
		return fmt.Errorf("asking the service: it answers %s", got.Status)
	}
	if err := json.NewDecoder(got.Body).Decode(out); err != nil {
		return fmt.Errorf("reading the answer of the service: %w", err)
	}
	return nil
}

// checkStore checks the store in the service if it runs, else here. ready means that key file and store are there.
func (s *Setup) checkStore(ctx context.Context, r *Report, running *service, ready bool) {
	switch {
	case running != nil:
		r.skip("store.pages", "the service runs: stop it to check every page; a start after an unclean stop does so, too")
		var findings []Finding
		if err := running.call(ctx, http.MethodGet, insidePath, &findings); err != nil {
			r.fail("store.open", "systemctl restart barillet: the service may be of another version", "%v", err)
			return
		}
		r.ok("store.open", "the service has opened the store")
		r.ok("keys.store", "the key file belongs to the store")
		r.Findings = append(r.Findings, findings...)
	case r.failed("service.running"):
		r.skip("store.open", "the admin socket does not answer")
	case !ready:
		r.skip("store.open", "the key file or the store is missing or damaged")
	default:
		s.checkOffline(ctx, r)
	}
}

// checkOffline checks the store of a service that does not run. The pages come first: a damaged one would end the program.
func (s *Setup) checkOffline(ctx context.Context, r *Report) {
	_, err := bolt.CheckFile(s.Store)
	switch {
	case errors.Is(err, bolt.ErrInUse):
		r.fail("store.open", "wait until the other command has ended; lsof "+quote(s.Store)+" names it", "%v", err)
		return
	case err != nil:
		r.fail("store.pages", restore, "%v", err)
		return
	}
	r.ok("store.pages", "each page is whole")
	inside, end, err := s.Open(ctx)
	if err != nil {
		id, remedy := "store.open", s.HintOf(err)
		if errors.Is(err, store.ErrWrongKey) {
			id = "keys.store"
		}
		if remedy == "" {
			remedy = "restore the last backup"
		}
		r.fail(id, remedy, "%v", err)
		return
	}
	r.ok("keys.store", "the key file belongs to the store")
	r.ok("store.open", "this version opens the store")
	r.Findings = append(r.Findings, inside.Check(ctx)...)
	if err := end(); err != nil {
		r.fail("store.open", "check the disk of "+quote(s.Store), "closing the store: %v", err)
	}
}
