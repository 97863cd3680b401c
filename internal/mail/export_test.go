package mail

import "time"

// SetTimeouts makes the phases of deliveries short: before for those up to the message, end for the reply to the final dot.
func SetTimeouts(s *SMTP, before, end time.Duration) {
	s.timeouts = timeouts{connect: before, begin: before, command: before, data: before, end: end, quit: before}
}

// Timeouts returns the limits of MAIL and RCPT, of DATA and the message, and of the reply to the final dot.
func Timeouts(s *SMTP) (command, data, end time.Duration) {
	return s.timeouts.command, s.timeouts.data, s.timeouts.end
}
