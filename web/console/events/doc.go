// Package events serves the pages of the console for the audit log, its export, and the webhooks to which its events are sent.
package events
