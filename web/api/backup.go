package api

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"sync"
	"time"

	"barillet/authn/admin"
	"barillet/internal/backup"
	"barillet/internal/errcode"
	"barillet/store"
	"barillet/web/reply"
)

// A client that reads less than minSent bytes in a sendInterval is cut off. The next backup waits for it.
const (
	sendInterval = 30 * time.Second
	minSent      = 1 << 20
)

// sendBackup makes a backup, which can take minutes, and sends it. Without any content it is an error; once content was sent, an error
// cuts the connection, so that no client keeps a part as the whole.
func (a *API) sendBackup(w http.ResponseWriter, r *http.Request, op admin.Principal) error {
	if err := reply.DecodeOptionalJSON(r, maxBody, &struct{}{}); err != nil {
		return err
	}
	if err := op.RequireBackup(); err != nil {
		return err
	}
	if a.backups == nil {
		return errcode.New(errcode.NotFound)
	}
	control := http.NewResponseController(w)
	_ = control.SetWriteDeadline(time.Time{}) // offline mode has no deadline
	spool, err := a.backups.TrySpool(r.Context())
	switch {
	case errors.Is(err, backup.ErrBusy):
		return &errcode.Error{Code: errcode.Overloaded, RetryAfter: 10 * time.Second}
	case errors.Is(err, backup.ErrNoRoom):
		return errors.Join(errcode.New(errcode.LowSpace), err)
	case err != nil:
		return err
	}
	defer spool.Close()
	m := spool.Manifest
	if err := a.directory.Admin.BeginBackup(r.Context(), op, reply.RequestFrom(r.Context()).Origin(), map[string]string{"size": store.Size(m.Size),
		"records": strconv.FormatInt(m.Records, 10), "encrypted": strconv.FormatBool(spool.Encrypted())}); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Disposition", `attachment; filename="barillet-`+m.At.Format("20060102T150405Z")+`.backup"`)
	w.Header().Set("Cache-Control", "no-store")
	out := &watchedWriter{ResponseWriter: w, cut: func() { _ = control.SetWriteDeadline(time.Unix(1, 0)) }} // ends a Write that waits
	out.begin()
	err = spool.Write(r.Context(), out)
	out.end()
	if err != nil {
		reply.Report(r, errors.Join(r.Context().Err(), err))
		panic(http.ErrAbortHandler)
	}
	if err := a.directory.Admin.SentBackup(context.WithoutCancel(r.Context()), m.At); err != nil {
		reply.Report(r, err) // the client has the whole backup
	}
	return nil
}

// watchedWriter calls cut once if too little is written in an interval.
type watchedWriter struct {
	http.ResponseWriter
	cut func()

	mu    sync.Mutex
	timer *time.Timer
	sent  int // since the last interval
	ended bool
}

func (w *watchedWriter) begin() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.timer = time.AfterFunc(sendInterval, w.check)
}

func (w *watchedWriter) check() {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.ended:
	case w.sent < minSent:
		w.cut()
	default:
		w.sent = 0
		w.timer.Reset(sendInterval)
	}
}

func (w *watchedWriter) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ended = true
	w.timer.Stop()
}

func (w *watchedWriter) Write(p []byte) (int, error) {
	n, err := w.ResponseWriter.Write(p)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sent += n
	return n, err
}
