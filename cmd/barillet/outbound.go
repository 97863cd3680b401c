package main

import (
	"context"
	"fmt"

	"barillet/internal/outbound"
	"barillet/internal/webhook"
)

// outboundAdapter carries what package oidc sends to applications by the one way out.
type outboundAdapter struct{ client *outbound.Client }

// Deliver implements oidc.Deliverer: whatever is not 2xx is not delivered (OpenID Connect Back-Channel Logout 1.0
// section 2.8 has 200, and 204 is as good).
func (d outboundAdapter) Deliver(ctx context.Context, url, media string, body []byte) error {
	answer, err := d.client.Post(ctx, url, map[string][]string{"Content-Type": {media}}, body)
	return webhook.Judge(answer.Status, err)
}

// fetch reads the keys that an application publishes.
func (d outboundAdapter) fetch(ctx context.Context, url string) ([]byte, error) {
	answer, err := d.client.Get(ctx, url, map[string][]string{"Accept": {"application/jwk-set+json, application/json"}})
	if err != nil {
		return nil, fmt.Errorf("calling an application: %w", err)
	}
	if answer.Status != 200 {
		return nil, fmt.Errorf("an application answered %d", answer.Status)
	}
	return answer.Body, nil
}

// check judges an address before it is stored, and says what would open it.
func (d outboundAdapter) check(address string) error {
	if _, err := d.client.Check(address); err != nil {
		return fmt.Errorf("%w; a host of your own network is opened by outbound.allow", err)
	}
	return nil
}
