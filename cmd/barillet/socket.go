package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/user"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"

	"barillet/authn"
	"barillet/authn/helpdesk"
	"barillet/web/api"
)

// maxSocketPath is what fits into sockaddr_un on every Linux (unix(7): 108 bytes with the final zero).
const maxSocketPath = 107

// socketPath names the socket of a data folder so that bind and connect can take it; a longer path goes through
// the folder's descriptor. done gives that back.
func socketPath(data string) (path string, done func(), err error) {
	path = filepath.Join(data, socketName)
	if len(path) <= maxSocketPath {
		return path, func() {}, nil
	}
	folder, err := os.Open(data)
	if err != nil {
		return "", nil, fmt.Errorf("opening the data folder: %w", err)
	}
	return fmt.Sprintf("/proc/self/fd/%d/%s", folder.Fd(), socketName), func() { folder.Close() }, nil
}

// dialSocket reaches the service that runs on a data folder. The error wraps fs.ErrNotExist or
// unix.ECONNREFUSED when none does.
func dialSocket(ctx context.Context, data string) (net.Conn, error) {
	path, done, err := socketPath(data)
	if err != nil {
		return nil, err
	}
	defer done()
	return (&net.Dialer{}).DialContext(ctx, "unix", path)
}

// notListening tells whether a dial failed because no service runs there.
func notListening(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ECONNREFUSED)
}

// listenSocket makes the socket, mode 0600, in a folder that is closed to others. One that was left behind is
// replaced only when nobody listens at it.
func listenSocket(ctx context.Context, data string) (net.Listener, error) {
	switch conn, err := dialSocket(ctx, data); {
	case err == nil:
		conn.Close()
		return nil, fmt.Errorf("another process listens at %s", filepath.Join(data, socketName))
	case errors.Is(err, unix.ECONNREFUSED):
		if err := os.Remove(filepath.Join(data, socketName)); err != nil {
			return nil, fmt.Errorf("removing the socket that was left behind: %w", err)
		}
	case !errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("looking at the local socket: %w", err)
	}
	path, done, err := socketPath(data)
	if err != nil {
		return nil, err
	}
	defer done()
	listener, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("making the local socket: %w", err)
	}
	// Its path may go through a descriptor that is closed by then: it is removed by its real name.
	listener.(*net.UnixListener).SetUnlinkOnClose(false)
	if err := os.Chmod(filepath.Join(data, socketName), 0o600); err != nil {
		listener.Close()
		return nil, fmt.Errorf("closing the local socket to others: %w", err)
	}
	return listener, nil
}

// peerKey is where a connection's operator is in the context of its requests.
type peerKey struct{}

// socketServer serves the API to the machine's owner. Whoever can open the socket is told apart by the kernel
// (SO_PEERCRED, unix(7)), not by anything they say.
func socketServer(handler http.Handler, log *slog.Logger) *http.Server {
	server := newServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		operator, ok := r.Context().Value(peerKey{}).(helpdesk.Operator)
		if !ok {
			http.Error(w, "who are you", http.StatusForbidden)
			return
		}
		handler.ServeHTTP(w, r.WithContext(api.WithOperator(r.Context(), operator)))
	}), log)
	server.ConnContext = func(ctx context.Context, conn net.Conn) context.Context {
		uid, err := peerUID(conn)
		if err != nil || uid != 0 && uid != os.Geteuid() {
			log.Warn("somebody else at the local socket", "uid", uid, "error", err)
			return ctx
		}
		return context.WithValue(ctx, peerKey{}, operatorPrincipal(uid))
	}
	return server
}

// peerUID asks the kernel who is at the other end.
func peerUID(conn net.Conn) (uid int, err error) {
	local, ok := conn.(*net.UnixConn)
	if !ok {
		return -1, errors.New("not a local socket")
	}
	control, err := local.SyscallConn()
	if err != nil {
		return -1, err
	}
	var cred *unix.Ucred
	var asked error
	err = control.Control(func(fd uintptr) { cred, asked = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED) })
	if err := errors.Join(err, asked); err != nil {
		return -1, fmt.Errorf("asking who is at the socket: %w", err)
	}
	return int(cred.Uid), nil
}

// operatorPrincipal is the operator at the socket or the closed folder (PROTOCOL 11, 20).
func operatorPrincipal(uid int) helpdesk.Operator {
	id := "operator:" + strconv.Itoa(uid)
	name := id
	if u, err := user.LookupId(strconv.Itoa(uid)); err == nil {
		name = u.Username
	}
	return helpdesk.Operator{ID: id, Name: name, Owner: id, Role: authn.RoleSuperAdmin, Machine: true, Secrets: true, Authn: true}
}
