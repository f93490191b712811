module cni-hns/tests/clients/chained

go 1.22
