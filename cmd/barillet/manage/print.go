package manage

import (
	"encoding/json"
	"fmt"
)

// printList prints a list: with --json the response, else a row for each entry.
func printList[T any](m *CLI, all []json.RawMessage, row func(T) []string) error {
	if m.JSON {
		if all == nil {
			all = []json.RawMessage{}
		}
		return m.Result(all)
	}
	rows := make([][]string, len(all))
	for i, raw := range all {
		var one T
		if err := json.Unmarshal(raw, &one); err != nil {
			return fmt.Errorf("decoding entry of the response: %w", err)
		}
		rows[i] = row(one)
	}
	return m.Table(rows)
}

// printOne prints one resource: with --json the response, else with print.
func printOne[T any](m *CLI, raw json.RawMessage, print func(T) error) error {
	if m.JSON {
		return m.Result(raw)
	}
	var one T
	if err := json.Unmarshal(raw, &one); err != nil {
		return fmt.Errorf("reading response: %w", err)
	}
	return print(one)
}

// printResult prints the response to a change with --json.
func (m *CLI) printResult(raw json.RawMessage) error {
	if m.JSON {
		return m.Result(raw)
	}
	return nil
}
