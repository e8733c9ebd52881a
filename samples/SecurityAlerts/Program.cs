using SecurityAlerts;

return await CommandLine.RunAsync(args);
