// cri is to containerd what kubelet is: it runs, fills, shows, stops and removes pod sandboxes over the CRI.
//
// It reads one request (JSON) from stdin, does the one action to all sandboxes at the same time, and prints one
// report (JSON). It waits for containerd's socket as long as the request's time allows.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials/insecure"
	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// kubelet gives a call two minutes.
const defaultSeconds = 120

type request struct {
	Action    string // ready, podcidr, list, run, fill, status, stop or remove
	Socket    string
	Seconds   int    // for everything; 0 for the default
	Image     string // of ready: wait until the CRI knows this image
	PodCIDR   string // of podcidr: the node's prefixes, one or two, with a comma between them
	Sandboxes []sandbox
}

type report struct {
	Error     string          `json:"error"`
	Runtime   string          `json:"runtime"`   // name and version of who answered; of ready only
	Network   condition       `json:"network"`   // of ready only
	Sandboxes []sandboxReport `json:"sandboxes"` // in the order of the request; of list, all that there are
}

type condition struct {
	Ready   bool   `json:"ready"`
	Message string `json:"message"`
}

func main() {
	var asked request
	if err := json.NewDecoder(os.Stdin).Decode(&asked); err != nil {
		fmt.Fprintln(os.Stderr, "the request:", err)
		os.Exit(2)
	}
	done := report{Sandboxes: []sandboxReport{}}
	if err := run(asked, &done); err != nil {
		done.Error = err.Error()
	}
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(done); err != nil {
		fmt.Fprintln(os.Stderr, "the report:", err)
		os.Exit(2)
	}
}

func run(asked request, done *report) error {
	seconds := asked.Seconds
	if seconds == 0 {
		seconds = defaultSeconds
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(seconds)*time.Second)
	defer cancel()
	connection, err := connect(asked.Socket)
	if err != nil {
		return err
	}
	defer connection.Close()
	service := runtime.NewRuntimeServiceClient(connection)
	switch asked.Action {
	case "ready":
		if err := initialized(ctx, service); err != nil {
			return err
		}
		if err := known(ctx, runtime.NewImageServiceClient(connection), asked.Image); err != nil {
			return err
		}
		return ready(ctx, service, done)
	case "podcidr":
		// What kubelet does once the Node object has them.
		network := &runtime.NetworkConfig{PodCidr: asked.PodCIDR}
		config := &runtime.RuntimeConfig{NetworkConfig: network}
		if _, err := service.UpdateRuntimeConfig(ctx, &runtime.UpdateRuntimeConfigRequest{RuntimeConfig: config}); err != nil {
			return err
		}
		return ready(ctx, service, done)
	case "list":
		return list(ctx, service, done)
	}
	return each(ctx, service, asked, done)
}

// connect waits for the socket in short steps: containerd makes it when it can answer.
func connect(socket string) (*grpc.ClientConn, error) {
	steps := backoff.Config{BaseDelay: 20 * time.Millisecond, Multiplier: 1.2, MaxDelay: 200 * time.Millisecond}
	return grpc.NewClient(
		"unix://"+socket,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithConnectParams(grpc.ConnectParams{Backoff: steps, MinConnectTimeout: time.Second}),
		grpc.WithDefaultCallOptions(grpc.WaitForReady(true)),
	)
}

func ready(ctx context.Context, service runtime.RuntimeServiceClient, done *report) error {
	version, err := service.Version(ctx, &runtime.VersionRequest{})
	if err != nil {
		return err
	}
	done.Runtime = version.RuntimeName + " " + version.RuntimeVersion
	status, err := service.Status(ctx, &runtime.StatusRequest{})
	if err != nil {
		return err
	}
	for _, one := range status.Status.Conditions {
		if one.Type == runtime.NetworkReady {
			done.Network = condition{Ready: one.Status, Message: one.Message}
		}
	}
	return nil
}

// initialized waits until the CRI has recovered what ran before: its socket answers a little earlier.
func initialized(ctx context.Context, service runtime.RuntimeServiceClient) error {
	return until(ctx, func() (bool, error) {
		_, err := service.Status(ctx, &runtime.StatusRequest{})
		if err != nil && strings.Contains(err.Error(), "not initialized yet") {
			return false, nil
		}
		return true, err
	})
}

// known waits for an image that was imported: the CRI learns of it a little later.
func known(ctx context.Context, service runtime.ImageServiceClient, image string) error {
	if image == "" {
		return nil
	}
	return until(ctx, func() (bool, error) {
		answer, err := service.ImageStatus(ctx, &runtime.ImageStatusRequest{Image: &runtime.ImageSpec{Image: image}})
		return answer.GetImage() != nil, err
	})
}

// until asks in short steps, as long as the time allows, whether something is so.
func until(ctx context.Context, so func() (bool, error)) error {
	for {
		if done, err := so(); done || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func list(ctx context.Context, service runtime.RuntimeServiceClient, done *report) error {
	found, err := service.ListPodSandbox(ctx, &runtime.ListPodSandboxRequest{})
	if err != nil {
		return err
	}
	for _, one := range found.Items {
		done.Sandboxes = append(done.Sandboxes, sandboxReport{
			Name:  one.Metadata.Name,
			ID:    one.Id,
			State: one.State.String(),
		})
	}
	return nil
}
