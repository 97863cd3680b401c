package account

import (
	"context"
	"fmt"
	"maps"

	"barillet/internal/audit"
)

// describe returns an event with the address, the User-Agent and the request id of the operation.
func (o *Operation) describe(e audit.Event) audit.Event {
	if e.Address == "" { // otherwise the event is about an earlier request
		e.Request, e.Address, e.Agent = o.Request.RequestID, o.Request.ClientAddress(), o.Request.Agent
	}
	for name, value := range map[string]string{"program": o.Request.APIToken, "reason": o.Request.Reason} {
		if value == "" {
			continue
		}
		e.Detail = maps.Clone(e.Detail)
		if e.Detail == nil {
			e.Detail = map[string]string{}
		}
		e.Detail[name] = value
	}
	return e
}

// Refused records a refusal that stores nothing else. A repeated one is only counted, and runs no Update (audit.Fold). written
// reports whether it has an event of its own.
func (s *Service) Refused(ctx context.Context, op *Operation, e audit.Event) (written bool, err error) {
	e = op.describe(e)
	if !s.Refusals.Admit(op.Now, e) {
		return false, nil
	}
	_, err = Update(ctx, s, op, func(tx *Tx) (struct{}, error) { return struct{}{}, tx.append(tx.NewRecordID("audit"), e) })
	if err != nil {
		return false, fmt.Errorf("recording a refusal: %w", err)
	}
	return true, nil
}

// flushBatch is the number of events that one Update of FlushRefusals stores.
const flushBatch = 16

// FlushRefusals stores the events of folded refusals whose time has ended, or of all of them. Those that it cannot store wait for
// the next call.
func (s *Service) FlushRefusals(ctx context.Context, all bool) error {
	for due := s.Refusals.Due(s.Now(), all); len(due) > 0; {
		batch := due[:min(len(due), flushBatch)]
		_, err := Update(ctx, s, s.NewOperation(RequestInfo{}), func(tx *Tx) (struct{}, error) {
			for _, e := range batch {
				if err := tx.append(tx.NewRecordID("audit"), e); err != nil {
					return struct{}{}, err
				}
			}
			return struct{}{}, nil
		})
		if err != nil {
			s.Refusals.Keep(due)
			return fmt.Errorf("storing folded refusals: %w", err)
		}
		due = due[len(batch):]
	}
	return nil
}
