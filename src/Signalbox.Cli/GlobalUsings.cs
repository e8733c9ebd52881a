global using PayloadReferences = Signalbox.CommandLine.Stores.PayloadReferences;
