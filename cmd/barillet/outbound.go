package main

import (
	"context"
	"fmt"

	"barillet/internal/outbound"
	"barillet/internal/webhook"
)

// outboundAdapter sends the requests of package oidc through package outbound.
type outboundAdapter struct{ client *outbound.Client }

// Deliver implements oidc.Deliverer. Every status 2xx means success (OIDC Back-Channel Logout §2.8 requires 200; some
// applications send 204).
func (d outboundAdapter) Deliver(ctx context.Context, url, media string, body []byte) error {
	answer, err := d.client.Post(ctx, url, map[string][]string{"Content-Type": {media}}, body)
	return webhook.ClassifyResponse(answer.Status, err)
}

// fetch returns the keys that an application publishes.
func (d outboundAdapter) fetch(ctx context.Context, url string) ([]byte, error) {
	answer, err := d.client.Get(ctx, url, map[string][]string{"Accept": {"application/jwk-set+json, application/json"}})
	if err != nil {
		return nil, fmt.Errorf("calling application: %w", err)
	}
	if answer.Status != 200 {
		return nil, fmt.Errorf("application returned status %d", answer.Status)
	}
	return answer.Body, nil
}

// check returns an error for a URL that the service must not call.
func (d outboundAdapter) check(address string) error {
	if _, err := d.client.Check(address); err != nil {
		return fmt.Errorf("%w; add a host of your own network to outbound.allow", err)
	}
	return nil
}
