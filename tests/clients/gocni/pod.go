package main

import (
	"fmt"
	"math"
	"strings"

	"github.com/containerd/go-cni"
)

// The interface that the CRI looks for; the library's own prefix and the first number.
const defaultInterface = "eth0"

// pod is what the CRI knows of a sandbox when it calls the plugin.
type pod struct {
	ID           string
	Netns        string
	Namespace    string
	Name         string
	UID          string
	Annotations  map[string]string
	PortMappings []portMapping
	DNS          *cni.DNS
	EgressRate   uint64 // bits per second; 0 for no limit
}

type portMapping struct {
	HostPort      int32
	ContainerPort int32
	Protocol      string
	HostIP        string
}

// options are the labels and capabilities of every call for the pod, the same for setup and removal.
func (one pod) options() []cni.NamespaceOpts {
	options := []cni.NamespaceOpts{
		cni.WithLabels(map[string]string{
			"K8S_POD_NAMESPACE":          one.Namespace,
			"K8S_POD_NAME":               one.Name,
			"K8S_POD_INFRA_CONTAINER_ID": one.ID,
			"K8S_POD_UID":                one.UID,
			"IgnoreUnknown":              "1",
		}),
		cni.WithCapability("io.kubernetes.cri.pod-annotations", one.Annotations),
	}
	if mappings := one.mappings(); len(mappings) > 0 {
		options = append(options, cni.WithCapabilityPortMap(mappings))
	}
	if one.EgressRate > 0 {
		options = append(options, cni.WithCapabilityBandWidth(cni.BandWidth{
			EgressRate:  one.EgressRate,
			EgressBurst: math.MaxUint32,
		}))
	}
	if one.DNS != nil {
		options = append(options, cni.WithCapabilityDNS(*one.DNS))
	}
	return options
}

// mappings leaves out what asks for no port of the host, and writes protocols small.
func (one pod) mappings() []cni.PortMapping {
	var found []cni.PortMapping
	for _, mapping := range one.PortMappings {
		if mapping.HostPort <= 0 {
			continue
		}
		found = append(found, cni.PortMapping{
			HostPort:      mapping.HostPort,
			ContainerPort: mapping.ContainerPort,
			Protocol:      strings.ToLower(mapping.Protocol),
			HostIP:        mapping.HostIP,
		})
	}
	return found
}

// addresses finds the pod's address as the CRI does: the first IPv4 address of the default interface, else the
// first of any kind; the rest in order.
func addresses(id string, result *cni.Result) (string, []string, error) {
	found, ok := result.Interfaces[defaultInterface]
	if !ok || len(found.IPConfigs) == 0 {
		return "", nil, fmt.Errorf("failed to find network info for sandbox %q", id)
	}
	primary := 0
	for number, config := range found.IPConfigs {
		if config.IP.To4() != nil {
			primary = number
			break
		}
	}
	additional := []string{}
	for number, config := range found.IPConfigs {
		if number != primary {
			additional = append(additional, config.IP.String())
		}
	}
	return found.IPConfigs[primary].IP.String(), additional, nil
}
