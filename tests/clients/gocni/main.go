// gocni does with pods what containerd's CRI does, through the library that containerd does it with.
//
// It reads one request (JSON) from stdin, sets go-cni up as the CRI of containerd on Windows sets it up, does the
// one action to all pods at the same time, and prints one report (JSON). The namespaces are the caller's.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"sync"

	"github.com/containerd/go-cni"
)

// On Windows a pod has one network and no loopback.
const leastNetworks = 1

type request struct {
	Action  string // setup, check, remove or status
	ConfDir string
	BinDir  string
	Pods    []pod
}

type report struct {
	Error string      `json:"error"` // what kept the library from being ready; "" for nothing
	Pods  []podReport `json:"pods"`
}

type podReport struct {
	ID         string      `json:"id"`
	Error      string      `json:"error"`
	IP         string      `json:"ip"`         // what the CRI shows as the pod's address
	Additional []string    `json:"additional"` // and as its further ones
	Result     *cni.Result `json:"result"`
}

func main() {
	var asked request
	if err := json.NewDecoder(os.Stdin).Decode(&asked); err != nil {
		fmt.Fprintln(os.Stderr, "the request:", err)
		os.Exit(2)
	}
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(run(asked)); err != nil {
		fmt.Fprintln(os.Stderr, "the report:", err)
		os.Exit(2)
	}
}

func run(asked request) report {
	done := report{Pods: []podReport{}}
	library, err := ready(asked)
	if err != nil {
		done.Error = err.Error()
		return done
	}
	done.Pods = make([]podReport, len(asked.Pods))
	var all sync.WaitGroup
	for number, one := range asked.Pods {
		all.Add(1)
		go func() {
			defer all.Done()
			done.Pods[number] = act(library, asked.Action, one)
		}()
	}
	all.Wait()
	return done
}

// ready is what the CRI does at its start, and what it asks before it calls its network ready.
func ready(asked request) (cni.CNI, error) {
	library, err := cni.New(
		cni.WithMinNetworkCount(leastNetworks),
		cni.WithPluginConfDir(asked.ConfDir),
		cni.WithPluginMaxConfNum(1),
		cni.WithPluginDir([]string{asked.BinDir}),
	)
	if err != nil {
		return nil, err
	}
	if err := library.Load(cni.WithDefaultConf); err != nil {
		return nil, err
	}
	if asked.Action == "status" {
		return library, library.Status()
	}
	return library, nil
}

func act(library cni.CNI, action string, one pod) podReport {
	done := podReport{ID: one.ID, Additional: []string{}}
	var err error
	ctx := context.Background()
	switch action {
	case "setup":
		done.Result, err = library.Setup(ctx, one.ID, one.Netns, one.options()...)
		if err == nil {
			done.IP, done.Additional, err = addresses(one.ID, done.Result)
		}
	case "check":
		err = library.Check(ctx, one.ID, one.Netns, one.options()...)
	case "remove":
		err = library.Remove(ctx, one.ID, one.Netns, one.options()...)
	default:
		err = fmt.Errorf("there is no action %q for pods", action)
	}
	if err != nil {
		done.Error = err.Error()
	}
	return done
}
