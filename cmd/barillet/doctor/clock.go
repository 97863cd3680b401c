package doctor

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"time"
)

// The differences of the clock that matter: a TOTP code is valid for 30 seconds, and one step around it.
const (
	clockWarns = 2 * time.Second
	clockFails = 15 * time.Second
)

func (s *Setup) checkNTP(ctx context.Context, r *Report) {
	if s.NTP == "" {
		r.skip("clock.ntp", "no server was named: barillet check --ntp HOST")
		return
	}
	offset, err := s.askNTP(ctx)
	if err != nil {
		r.fail("clock.ntp", "name a server that answers, such as --ntp pool.ntp.org, and let UDP port 123 pass", "NTP server %s: %v", s.NTP, err)
		return
	}
	r.ok("clock.ntp", "%s answers", s.NTP)
	const remedy = "timedatectl set-ntp true; timedatectl timesync-status"
	switch by := offset.Abs().Round(10 * time.Millisecond); {
	case by >= clockFails:
		r.fail("clock.offset", remedy, "the clock is wrong by %v: codes of phones are refused", by)
	case by >= clockWarns:
		r.warn("clock.offset", remedy, "the clock is wrong by %v", by)
	default:
		r.ok("clock.offset", "the clock differs by %v", by)
	}
}

// ntpEpoch is the number of seconds from 1900 to 1970 (RFC 5905 §6).
const ntpEpoch = 2208988800

// askNTP returns how far the clock is behind that of the server (RFC 4330 §5): a client of one packet.
func (s *Setup) askNTP(ctx context.Context) (offset time.Duration, err error) {
	address := s.NTP
	if _, _, err := net.SplitHostPort(address); err != nil {
		address = net.JoinHostPort(address, "123")
	}
	ctx, cancel := context.WithTimeout(ctx, netTimeout/2)
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(ctx, "udp", address)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	deadline, _ := ctx.Deadline()
	if err := conn.SetDeadline(deadline); err != nil {
		return 0, err
	}
	var question, answer [48]byte
	question[0] = 4<<3 | 3          // version 4, mode client
	_, _ = rand.Read(question[40:]) // a random transmit timestamp: the server returns it, and nobody can guess it
	sent := s.Now()
	if _, err := conn.Write(question[:]); err != nil {
		return 0, err
	}
	n, err := conn.Read(answer[:])
	arrived := s.Now()
	switch {
	case err != nil:
		return 0, err
	case n < len(answer) || answer[0]&7 != 4 || [8]byte(answer[24:32]) != [8]byte(question[40:]):
		return 0, errors.New("the answer is not that of an NTP server")
	case answer[1] == 0 || answer[1] > 15 || answer[0]>>6 == 3:
		return 0, fmt.Errorf("the server has no time itself (stratum %d)", answer[1])
	}
	received, replied := ntpTime(answer[32:]), ntpTime(answer[40:])
	return (received.Sub(sent) + replied.Sub(arrived)) / 2, nil
}

// ntpTime returns an NTP timestamp. Its first 32 bits begin again in 2036 (RFC 4330 §3).
func ntpTime(raw []byte) time.Time {
	seconds, fraction := int64(binary.BigEndian.Uint32(raw)), int64(binary.BigEndian.Uint32(raw[4:]))
	if seconds < 1<<31 {
		seconds += 1 << 32
	}
	return time.Unix(seconds-ntpEpoch, fraction*int64(time.Second)>>32)
}
