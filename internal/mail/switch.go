package mail

import (
	"context"
	"sync/atomic"
)

// Switch is a Transport that sends by another one, which can be replaced meanwhile. Set must be called before Send.
type Switch struct{ to atomic.Pointer[Transport] }

var _ Transport = (*Switch)(nil)

// Set replaces the transport for all later messages.
func (s *Switch) Set(t Transport) { s.to.Store(&t) }

// Send implements Transport.
func (s *Switch) Send(ctx context.Context, e Envelope) error { return (*s.to.Load()).Send(ctx, e) }
