package main

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"

	runtime "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// sandbox names what kubelet knows: the pod before it runs, the id afterwards.
type sandbox struct {
	ID           string
	Name         string
	Namespace    string
	UID          string
	Annotations  map[string]string
	PortMappings []portMapping
	DNS          *dns
	Containers   []container // of fill only
}

type container struct {
	Name  string
	Image string
}

type portMapping struct {
	HostPort      int32
	ContainerPort int32
	Protocol      string // TCP, UDP or SCTP
}

type dns struct {
	Servers  []string
	Searches []string
	Options  []string
}

type sandboxReport struct {
	Name       string   `json:"name"`
	ID         string   `json:"id"`
	Error      string   `json:"error"`
	State      string   `json:"state"`
	IP         string   `json:"ip"`
	Additional []string `json:"additional"`
	Netns      string   `json:"netns"` // the file of its network namespace
	Pid        int      `json:"pid"`   // of its first process, in containerd's pid namespace

	Containers map[string]string `json:"containers"` // of fill only: name and id
}

// verbose is what containerd adds to the status of a sandbox on request.
type verbose struct {
	Pid         int `json:"pid"`
	RuntimeSpec struct {
		Linux struct {
			Namespaces []struct {
				Type string `json:"type"`
				Path string `json:"path"`
			} `json:"namespaces"`
		} `json:"linux"`
	} `json:"runtimeSpec"`
}

func each(ctx context.Context, service runtime.RuntimeServiceClient, asked request, done *report) error {
	actions := map[string]func(context.Context, runtime.RuntimeServiceClient, *sandboxReport, sandbox) error{
		"run": start, "fill": fill, "status": show, "stop": stop, "remove": remove,
	}
	action, ok := actions[asked.Action]
	if !ok {
		return fmt.Errorf("there is no action %q", asked.Action)
	}
	done.Sandboxes = make([]sandboxReport, len(asked.Sandboxes))
	var all sync.WaitGroup
	for number, one := range asked.Sandboxes {
		all.Add(1)
		go func() {
			defer all.Done()
			told := &done.Sandboxes[number]
			*told = sandboxReport{Name: one.Name, ID: one.ID, Additional: []string{}, Containers: map[string]string{}}
			if err := action(ctx, service, told, one); err != nil {
				told.Error = err.Error()
			}
		}()
	}
	all.Wait()
	return nil
}

func start(ctx context.Context, service runtime.RuntimeServiceClient, told *sandboxReport, one sandbox) error {
	answer, err := service.RunPodSandbox(ctx, &runtime.RunPodSandboxRequest{Config: one.config()})
	if err == nil {
		told.ID = answer.PodSandboxId
	}
	return err
}

// fill starts containers in a sandbox that runs.
func fill(ctx context.Context, service runtime.RuntimeServiceClient, told *sandboxReport, one sandbox) error {
	for _, wanted := range one.Containers {
		created, err := service.CreateContainer(ctx, &runtime.CreateContainerRequest{
			PodSandboxId: one.ID,
			Config: &runtime.ContainerConfig{
				Metadata: &runtime.ContainerMetadata{Name: wanted.Name},
				Image:    &runtime.ImageSpec{Image: wanted.Image},
				Linux:    &runtime.LinuxContainerConfig{},
			},
			SandboxConfig: one.config(),
		})
		if err != nil {
			return err
		}
		told.Containers[wanted.Name] = created.ContainerId
		if _, err := service.StartContainer(ctx, &runtime.StartContainerRequest{ContainerId: created.ContainerId}); err != nil {
			return err
		}
	}
	return nil
}

func show(ctx context.Context, service runtime.RuntimeServiceClient, told *sandboxReport, one sandbox) error {
	answer, err := service.PodSandboxStatus(ctx, &runtime.PodSandboxStatusRequest{PodSandboxId: one.ID, Verbose: true})
	if err != nil {
		return err
	}
	told.Name = answer.Status.Metadata.Name
	told.State = answer.Status.State.String()
	if network := answer.Status.Network; network != nil {
		told.IP = network.Ip
		for _, further := range network.AdditionalIps {
			told.Additional = append(told.Additional, further.Ip)
		}
	}
	var more verbose
	if err := json.Unmarshal([]byte(answer.Info["info"]), &more); err != nil {
		return fmt.Errorf("the verbose status: %w", err)
	}
	told.Pid = more.Pid
	for _, namespace := range more.RuntimeSpec.Linux.Namespaces {
		if namespace.Type == "network" {
			told.Netns = namespace.Path
		}
	}
	return nil
}

func stop(ctx context.Context, service runtime.RuntimeServiceClient, _ *sandboxReport, one sandbox) error {
	_, err := service.StopPodSandbox(ctx, &runtime.StopPodSandboxRequest{PodSandboxId: one.ID})
	return err
}

func remove(ctx context.Context, service runtime.RuntimeServiceClient, _ *sandboxReport, one sandbox) error {
	_, err := service.RemovePodSandbox(ctx, &runtime.RemovePodSandboxRequest{PodSandboxId: one.ID})
	return err
}

func (one sandbox) config() *runtime.PodSandboxConfig {
	config := &runtime.PodSandboxConfig{
		Metadata:    &runtime.PodSandboxMetadata{Name: one.Name, Namespace: one.Namespace, Uid: one.UID},
		Annotations: one.Annotations,
		Linux:       &runtime.LinuxPodSandboxConfig{},
	}
	for _, mapping := range one.PortMappings {
		config.PortMappings = append(config.PortMappings, &runtime.PortMapping{
			Protocol:      runtime.Protocol(runtime.Protocol_value[mapping.Protocol]),
			ContainerPort: mapping.ContainerPort,
			HostPort:      mapping.HostPort,
		})
	}
	if one.DNS != nil {
		config.DnsConfig = &runtime.DNSConfig{
			Servers: one.DNS.Servers, Searches: one.DNS.Searches, Options: one.DNS.Options,
		}
	}
	return config
}
